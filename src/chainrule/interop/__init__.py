"""Networks of other libraries, in and out; each library is loaded when it is used.

| file | what it is for |
|---|---|
| `imported_layers.py` | layers with parameters, and the network that they make |
| `value_graph.py` | the graph of a model's values, taken apart into layers and residuals |
| `sklearn_in.py` | from scikit-learn's perceptrons |
| `keras_in.py`, `keras_loss.py` | from models of Keras, and the losses they are compiled with |
| `torch_in.py`, `torch_out.py` | from modules of PyTorch, and to them |
| `torch_layers.py`, `torch_activations.py` | its modules beside the layers and activations here |
| `exported_graph.py` | what is to be written for others, as a graph |
| `network_graph.py` | the graph of what a network predicts |
| `table_graph.py` | that of what the model of a table predicts |
| `table_columns.py`, `table_intervals.py` | what prepares its columns; bounds and sets |
| `python_out.py`, `numpy_expressions.py` | to files of Python, and operators in NumPy |
| `onnx_in.py`, `onnx_out.py` | from files of ONNX, and to them |
| `onnx_file.py` | these files, read with mistrust |
| `onnx_left.py` | the specification of a network that stands in one |
| `onnx_graph.py` | the graph of one, and how its values are made |
| `onnx_run.py` | which graphs are run, to compare what they predict |
| `onnx_operators.py`, `onnx_rms.py` | operators that are layers; a norm of several |
| `onnx_arrays.py` | arrays that write what is computed with them as operators |
| `onnx_layers.py`, `onnx_activations.py` | its operators beside the layers and activations here |
| `against.py` | a gradient compared with that of another library |
| `torch_gradient.py`, `keras_gradient.py`, `jax_gradient.py` | cost and gradient by these |
| `torch_differentiation.py` | what those on PyTorch share |
| `library_cost.py` | what all of them share: our formulas of their arrays, and the cost |
"""
