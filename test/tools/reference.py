#!/usr/bin/env python3
# Keeps docs/language.md true: its examples, and its chapter of standard definitions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  reference.py docs/language.md --extract FOLDER                  writes each example as a file of its own
  reference.py docs/language.md --frontend frontends/snn --check     what is missing; exit status 1
  reference.py docs/language.md --frontend frontends/snn --write     writes the last chapter anew

An example is a block of code that begins with ```snn: a whole file, or with a word behind it a part of one: `model` lines of a model, `train` lines of
its training, `definitions` what stands beside a model.
"""
import argparse
import os
import re
import sys

WRAPPERS = {
    "": "{}",
    "model": "snn 1\nmodel m {{\n{}}}\n",
    "train": "snn 1\nmodel m {{\n  input f32[8] over time\n  steps 5\n  linear 10\n  leaky\n}}\ntrain {{\n{}}}\n",
    "definitions": "snn 1\n{}\nmodel m {{\n  input f32[8] over time\n  steps 5\n  linear 10\n  leaky\n}}\n",
}
CHAPTER = "## The standard definitions\n"
KINDS = [("neuron", "Neurons"), ("surrogate", "Surrogates"), ("layer", "Layers"), ("loss", "Losses"), ("metric", "Metrics"),
         ("optimizer", "Optimizers"), ("clip", "Clipping"), ("schedule", "Schedules"), ("def", "Functions"), ("train", "Defaults")]


def examples(text):
    """Line number, wrapper and lines of each example."""
    for match in re.finditer(r"^```snn ?(\w*)\n(.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def definitions(prelude):
    """Kind, name and text with its comment of each definition, in order."""
    lines, comment, found, at = prelude.splitlines(), [], [], 0
    while at < len(lines):
        line = lines[at]
        head = re.match(r"(\w+)(?: (\w+))?", line)
        if line.startswith("#"):
            comment.append(line)
        elif not line.strip() or line.startswith("snn "):
            comment = []
        else:
            begin, depth = at, 0
            while True:
                depth += sum(lines[at].count(opening) - lines[at].count(closing) for opening, closing in ("{}", "()", "[]"))
                more = at + 1 < len(lines) and re.match(r"\s+\S", lines[at + 1])
                if depth <= 0 and not more:
                    break
                at += 1
            found.append((head[1], head[2] or "", "\n".join(comment + lines[begin:at + 1])))
            comment = []
        at += 1
    return found


def chapter(prelude):
    """The chapter of standard definitions."""
    text = [CHAPTER, "What follows is the text that the compiler reads (`frontends/snn/prelude.snn`), by kind.\n"]
    known = definitions(prelude)
    unknown = {kind for kind, _, _ in known} - {kind for kind, _ in KINDS}
    if unknown:
        sys.exit(f"reference.py: no heading for {', '.join(sorted(unknown))}")
    for kind, heading in KINDS:
        texts = [body for other, _, body in known if other == kind]
        if texts:
            text += [f"### {heading}\n", "```\n" + "\n\n".join(texts) + "\n```\n"]
    return "\n".join(text)


def known(folder):
    """The functions and words of the language, as the tables of its checks have them."""
    with open(os.path.join(folder, "CallChecks.cpp")) as file:
        functions = re.findall(r'\{"(\w+)", Form::', file.read())
    with open(os.path.join(folder, "ValueType.cpp")) as file:
        words = re.findall(r'\{"(\w+)", (?:k\w+|\{\}), "', file.read())
    if not functions or not words:
        sys.exit(f"reference.py: no tables of functions and words in {folder}")
    return functions, words


def problems(text, prelude, folder):
    """What the page lacks: an example of a function, a word or a definition, or the definition itself."""
    code = "\n".join(re.sub(r"#.*", "", body) for _, _, body in examples(text))
    functions, words = known(folder)
    for name in functions:
        if not re.search(rf"\b{name}\(", code):
            yield f"no example calls the function '{name}'"
    for name in words:
        if not re.search(rf"\b{name}\b", code):
            yield f"no example has the word '{name}'"
    for kind, name, _ in definitions(prelude):
        if kind not in ("def", "train") and not re.search(rf"\b{name}\b", code):
            yield f"no example uses the {kind} '{name}'"
    if text.partition(CHAPTER)[1:] != (CHAPTER, chapter(prelude).removeprefix(CHAPTER)):
        yield "the chapter of standard definitions is not what prelude.snn says; write it anew with --write"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page")
    parser.add_argument("--frontend", help="the folder frontends/snn")
    parser.add_argument("--extract", metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with open(options.page) as file:
        text = file.read()
    if options.extract:
        os.makedirs(options.extract, exist_ok=True)
        for line, kind, body in examples(text):
            if kind not in WRAPPERS:
                sys.exit(f"{options.page}:{line}: no example is called '{kind}'; there are {', '.join(filter(None, WRAPPERS))}")
            with open(os.path.join(options.extract, f"line{line:04}.snn"), "w") as file:
                file.write(WRAPPERS[kind].format(body))
        return
    with open(os.path.join(options.frontend, "prelude.snn")) as file:
        prelude = file.read()
    if options.write:
        text = text.partition(CHAPTER)[0] + chapter(prelude)
        with open(options.page, "w") as file:
            file.write(text)
    if options.check:
        found = list(problems(text, prelude, options.frontend))
        print("\n".join(f"{options.page}: {problem}" for problem in found) or f"{options.page}: all there")
        sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
