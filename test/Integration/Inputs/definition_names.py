"""Fails if code knows anything that the prelude defines by its name, or by a common one of its kind, or a neuron by one that
others have for it.

    definition_names.py SOURCE_ROOT

Comments do not count. Messages of the front end show examples, so that its strings count only if they are one word, as
names are that it compares with. What translates texts from and to another format, as a person would write them, knows their words
as a person does, and nothing behind the front end knows of it: TRANSLATORS.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
prelude = "".join((root / "frontends/snn" / name).read_text() for name in ("prelude.snn", "spellings.snn"))
names = set(re.findall(r"^(?:neuron|layer|surrogate|loss|metric|optimizer|schedule|clip|def) (\w+)", prelude, re.M))
# Functions of the language, the names of the interface, words (and a Greek letter) that mean something else too.
GENERAL = {"atan", "pi", "count", "constant", "cosine", "accuracy", "alpha", "integrator", "add", "concat", "linear",
           "above", "exact", "norm", "value", "winner"}
COMMON = {"cross_entropy", "poisson", "rmsprop", "adagrad", "momentum", "lif", "mse", "nll", "hinge", "alif", "izhikevich"}
assert GENERAL < names and len(names) > 20, names
neurons = re.findall(r"^neuron (\w+)", prelude, re.M)
others = [re.split(r",\s*", names) for names, of in re.findall(r"^alias (.*) = (\w+)$", prelude, re.M) if of in neurons]
assert len(neurons) >= 2 and others, neurons
words = {name.lower() for name in (names - GENERAL) | COMMON | {name for name in sum(others, []) if len(name) > 2}}

comments = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
strings = re.compile(r'R"\((?:.*?)\)"|"((?:\\.|[^"\\\n])*)"', re.S)


def one_word(found):
    return found.group(0) if re.fullmatch(r"\w+", found.group(1) or "") else '""'


TRANSLATORS = {root / "frontends/nir"}

found, files = [], 0
for folder in ("dialect", "compiler", "frontends", "runtime"):
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in (".cpp", ".h", ".td", ".c", ".inc") and path.name != "CMakeLists.txt":
            continue
        if path.parent in TRANSLATORS:
            continue
        files += 1
        text = path.read_text()
        text = re.sub(r"#[^\n]*", "", text) if path.name == "CMakeLists.txt" else comments.sub("", text)
        text = text.replace("learning rate", "")  # which has nothing to do with the neuron `rate`
        if folder == "frontends":
            text = strings.sub(one_word, text)
        for line in text.splitlines():
            if known := words & {word.lower() for word in re.findall(r"\w+", line)}:
                found.append(f"{path.relative_to(root)}: {', '.join(sorted(known))}: {line.strip()}")
assert files > 100, f"only {files} files in {root}"
print("\n".join(found))
sys.exit(1 if found else 0)
