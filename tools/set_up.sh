#!/bin/sh
# Make .venv hold exactly what pyproject.toml asks for; quick when it already does.
# Takes the Python of .python-version, or the one that RONDO_PYTHON names (3.13): uv's, one on the
# path, or pyenv's. Where there is none, uv brings it.
set -eu
cd "$(dirname "$0")/.."

wanted=${RONDO_PYTHON:-$(cat .python-version)}
pins=.venv/pins.txt
log=.venv/install.log
PATH=$PATH:$HOME/.local/bin:$HOME/.cargo/bin

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

is_wanted() {
    [ -n "$1" ] && [ "$(version_of "$1")" = "$wanted" ]
}

has_uv() {
    command -v uv >/dev/null 2>&1
}

candidates() {
    if has_uv; then
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

no_python() {
    other=$(version_of python3)
    echo "Python $wanted was not found${other:+, only $other}. Install uv, which brings it, and try again:" >&2
    echo "    curl -LsSf https://astral.sh/uv/install.sh | sh" >&2
    exit 1
}

create() {
    python=$(find_python)
    if has_uv; then
        rm -rf .venv
        echo "Creating .venv with uv and ${python:-a Python $wanted that it brings}"
        uv venv --quiet --seed --python "${python:-$wanted}" .venv
    elif [ -n "$python" ]; then
        rm -rf .venv
        echo "Creating .venv with $python"
        "$python" -m venv .venv
    else
        no_python
    fi
}

# Run a command out of sight, with a dot every two seconds; what it said is shown if it fails.
with_dots() {
    "$@" >"$log" 2>&1 &
    job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    printf .
    while kill -0 "$job" 2>/dev/null; do
        sleep 2
        printf .
    done
    echo
    trap - INT TERM
    wait "$job" || {
        tail -n 20 "$log" >&2
        exit 1
    }
}

install() {
    echo "Installing what pyproject.toml names into .venv: some 90 packages, one to three minutes the first time"
    if has_uv; then
        with_dots uv pip install --quiet --python .venv/bin/python -r "$1"
    else
        with_dots .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$1"
    fi
}

is_wanted .venv/bin/python || create
.venv/bin/python tools/pins.py >.venv/pins.new
if ! cmp -s .venv/pins.new "$pins"; then
    install .venv/pins.new
    mv .venv/pins.new "$pins"
fi
