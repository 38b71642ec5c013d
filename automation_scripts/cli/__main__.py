"""`python -m automation_scripts.cli`: the same as `automation`."""

from automation_scripts.cli import main

if __name__ == "__main__":
    main()
