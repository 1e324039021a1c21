#!/usr/bin/env bash
# cloudpickle 3.1.3 gives every function that it carries by value the file name `<dynamic-code>`; up to 3.1.2 the file was kept. A
# traceback from the other process then names no file, and shows no line of source.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/program.py" <<'PYTHON'
import pickle

import cloudpickle


def function(value):
    return 1 / value


print(pickle.loads(cloudpickle.dumps(function)).__code__.co_filename.rsplit("/", 1)[-1])
PYTHON
for version in 3.1.2 3.1.3; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "cloudpickle==$version"
    "$folder/$version/bin/python" "$folder/program.py" > "$folder/$version.txt"
done
echo "cloudpickle 3.1.2 and 3.1.3, a function of program.py carried by value"
echo "  one would expect its code to name program.py in both"
echo "  seen: $(cat "$folder/3.1.2.txt") by 3.1.2, $(cat "$folder/3.1.3.txt") by 3.1.3"
[ "$(cat "$folder/3.1.2.txt")" = program.py ] && [ "$(cat "$folder/3.1.3.txt")" = "<dynamic-code>" ]
