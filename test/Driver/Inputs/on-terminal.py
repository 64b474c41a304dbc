# Runs a command with a pseudo-terminal as its standard streams and prints what it wrote there.
import pty
import sys

pty.spawn(sys.argv[1:])
