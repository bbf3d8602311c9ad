#!/bin/sh
# Make .venv hold exactly what pyproject.toml asks for; quick when it already does.
# Needs Python 3.12: uv's, a python3.12 that runs, pyenv's, or a python3 of that version.
set -eu
cd "$(dirname "$0")/.."

wanted=$(cat .python-version)
pins=.venv/pins.txt

is_wanted() {
    [ -n "$1" ] && [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$wanted" ]
}

candidates() {
    if command -v uv >/dev/null 2>&1; then
        uv python find --no-python-downloads "$wanted" 2>/dev/null || true
    fi
    command -v "python$wanted" || true
    pyenv_root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || echo "$HOME/.pyenv")}
    for found in "$pyenv_root/versions/$wanted"*/bin/"python$wanted"; do
        echo "$found"
    done
    command -v python3 || true
    command -v python || true
}

find_python() {
    candidates | while read -r candidate; do
        if is_wanted "$candidate"; then
            echo "$candidate"
            break
        fi
    done
}

create() {
    python=$(find_python)
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        echo "Creating .venv with uv and ${python:-a Python $wanted that it brings}"
        uv venv --quiet --seed --python "${python:-$wanted}" .venv
    elif [ -n "$python" ]; then
        echo "Creating .venv with $python"
        "$python" -m venv .venv
    else
        echo "Python $wanted was not found. Install it, or uv, and try again." >&2
        exit 1
    fi
}

install() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python .venv/bin/python -r "$1"
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$1"
    fi
}

is_wanted .venv/bin/python || create
.venv/bin/python tools/pins.py >.venv/pins.new
if ! cmp -s .venv/pins.new "$pins"; then
    echo "Installing what pyproject.toml names into .venv"
    install .venv/pins.new
    mv .venv/pins.new "$pins"
fi
