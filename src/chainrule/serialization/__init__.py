"""Networks and the runs that train them as files: models to keep, checkpoints to go on from.

| file | what it is for |
|---|---|
| `save_load.py` | `save` and `load`: a network, its parameters, its history |
| `checkpoint_store.py` | a folder of checkpoints, one writer at a time |
| `model_file.py` | a file of arrays with what is known of them: written whole, read with mistrust |
| `file_header.py` | what stands at the head of such a file, to the byte |
| `specifications.py` | networks, optimizers and schedules as data |
| `parameter_arrays.py` | parameters and histories as arrays and data |
| `locks.py` | a lock that goes with its process |
"""

from chainrule.serialization.checkpoint_store import CheckpointError, Store
from chainrule.serialization.model_file import (
    ModelFileError,
    begins_as_model,
    check_model_replaceable,
    check_writable,
    file_parts,
    read_file,
    write_file,
)
from chainrule.serialization.parameter_arrays import arrays_of, params_of
from chainrule.serialization.save_load import load, save
from chainrule.serialization.specifications import (
    network_from_data,
    network_to_data,
    optimizer_from_data,
    optimizer_to_data,
)

__all__ = [
    "CheckpointError",
    "ModelFileError",
    "Store",
    "arrays_of",
    "begins_as_model",
    "check_model_replaceable",
    "check_writable",
    "file_parts",
    "load",
    "network_from_data",
    "network_to_data",
    "optimizer_from_data",
    "optimizer_to_data",
    "params_of",
    "read_file",
    "save",
    "write_file",
]
