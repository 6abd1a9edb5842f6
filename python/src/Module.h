//===- Module.h - the parts of the extension module _compiler ------------------===//
#ifndef LUTRA_PYTHON_SRC_MODULE_H
#define LUTRA_PYTHON_SRC_MODULE_H

#include <pybind11/pybind11.h>

/// Adds the codec behind lutra.encoding.
void addEncoding(pybind11::module_ &module);
/// Adds the graph builder behind lutra.torch.
void addTorchBuilder(pybind11::module_ &module);

#endif // LUTRA_PYTHON_SRC_MODULE_H
