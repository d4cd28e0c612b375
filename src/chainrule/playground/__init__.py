"""The playground: a page that trains any small network with the engine, and works out its numbers.

| file | what it is for |
|---|---|
| `choices.py` | what can be chosen, from the tables |
| `state/` | `state.js`, what the page is in; `address.js`, the same as the end of an address |
| `run/` | `messages.js`, what page and worker say to each other |
| `words/` | `words.js`, sentences by language |
"""
