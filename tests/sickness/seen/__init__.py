"""The seen half of the collection.

| file | what it is for |
|---|---|
| `network.py` | sick by what they are built of, or begin with |
| `examples.py` | sick by the examples they are given |
| `course.py` | sick by how they are trained |
| `mild.py` | sick by little: they learn, and far less than they could |
| `symptoms.py` | what shows in the course of their loss, whatever it comes of |
| `healthy.py` | those that learn as they should |
"""

from sickness.seen import course, examples, healthy, mild, network, symptoms

CASES = [*network.CASES, *examples.CASES, *course.CASES]
MILD = mild.CASES
HEALTHY = healthy.HEALTHY
SYMPTOMS = symptoms.CASES
