#!/bin/sh
# Put the package of dist/ into a fork of the marketplace's repository and open a draft pull request.
# Run in the project's folder: sh tools/marketplace.sh CHECKOUT_OF_THE_FORK OWNER_OF_THE_FORK
# Needs git, and gh with a token in GH_TOKEN that may push to the fork.
set -eu

fork=$1
owner=$2
market=${MARKETPLACE:-langgenius/dify-plugins}
address=${MARKETPLACE_ADDRESS:-https://github.com/$market.git}

field() {
    sed -n "s/^$1: *//p" manifest.yaml
}

author=$(field author)
name=$(field name)
version=$(field version)
branch=bump-$name-plugin-$version
package=$PWD/dist/$name-$version.difypkg
body=$PWD/dist/pull-request.txt

cd "$fork"
# From the marketplace's newest state, so that the change is this package alone.
git fetch --quiet "$address" main
git checkout --quiet -B "$branch" FETCH_HEAD
mkdir -p "$author/$name"
rm -f "$author/$name"/*.difypkg
cp "$package" "$author/$name/"
git add --all "$author/$name"
git -c user.name="$author" -c user.email="$author@users.noreply.github.com" \
    commit --quiet --message "Bump $name to $version"
git push --quiet --force origin "$branch"
gh pr create --draft --repo "$market" --base main --head "$owner:$branch" \
    --title "Bump $name to $version" --body-file "$body"
