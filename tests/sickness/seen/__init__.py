"""The seen half of the collection.

| file | what it is for |
|---|---|
| `network.py` | sick by what they are built of, or begin with |
| `examples.py` | sick by the examples they are given |
| `course.py` | sick by how they are trained |
| `symptoms.py` | what shows in the course of their loss, whatever it comes of |
| `healthy.py` | those that learn as they should |
"""

from sickness.seen import course, examples, healthy, network, symptoms

CASES = [*network.CASES, *examples.CASES, *course.CASES]
HEALTHY = healthy.HEALTHY
SYMPTOMS = symptoms.CASES
