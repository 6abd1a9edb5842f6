/*===- Model.h - load and run compiled models ----------------------------------===*
 * The interface of a compiled model is include/lutra/Runtime/Artifact.h: dlopen the library, look up
 * lutra_get_model, or link an embedded model and call <name>_get_model.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_C_MODEL_H
#define LUTRA_C_MODEL_H

#include "lutra/Runtime/Artifact.h"

#endif
