"""Fails if code knows a neuron of the prelude by its name, or by one that others have for it.

    neuron_names.py SOURCE_ROOT

The names are those in prelude.snn. Comments do not count, and in the front end strings do not either: messages show
examples.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
prelude = (root / "frontends/snn/prelude.snn").read_text()
neurons = re.findall(r"^neuron (\w+)", prelude, re.M)
others = [re.split(r",\s*", names) for names, of in re.findall(r"^alias (.*) = (\w+)$", prelude, re.M) if of in neurons]
words = {word.lower() for word in neurons + sum(others, [])}
assert len(neurons) >= 2 and len(words) > len(neurons), words

comments = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
strings = re.compile(r'"(?:\\.|[^"\\\n])*"|R"\((?:.*?)\)"', re.S)
found, files = [], 0
for folder in ("dialect", "compiler", "frontends", "runtime"):
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in (".cpp", ".h", ".td", ".c") and path.name != "CMakeLists.txt":
            continue
        files += 1
        text = path.read_text()
        text = re.sub(r"#[^\n]*", "", text) if path.name == "CMakeLists.txt" else comments.sub("", text)
        if folder == "frontends":
            text = strings.sub('""', text)
        text = text.replace("learning rate", "")  # which has nothing to do with the neuron `rate`
        for line in text.splitlines():
            if words & {word.lower() for word in re.findall(r"\w+", line)}:
                found.append(f"{path.relative_to(root)}: {line.strip()}")
assert files > 100, f"only {files} files in {root}"
print("\n".join(found))
sys.exit(1 if found else 0)
