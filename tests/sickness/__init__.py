"""A collection of sick networks, each a way in which training fails, and of healthy ones.

All are of real data that comes with scikit-learn. A sick case is a healthy twin and the fields in
which it differs, so that the difference is what fails. Whoever writes rules that name a sickness
looks at `seen` alone, and `unseen` says how good the rules are.

| file | what it is for |
|---|---|
| `vocabulary.py` | the sicknesses in words; what a case is |
| `data.py` | the tasks |
| `setting.py` | what a user trains, as data, and built |
| `changes.py` | what is done to parameters, inputs, rows and targets |
| `evidence.py` | training as the user would; what a network knows; the marks of a sickness |
| `halves.py` | how the halves were drawn |
| `seen/`, `unseen/` | the halves: cases, by what is wrong, and healthy settings |
"""
