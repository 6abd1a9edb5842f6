//===- QuantizeTerms.cpp - what is stored beside the codes of a weight ------===//
#include "MatrixQuantizer.h"

#include <tuple>
#include <utility>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

/// Leaves the elements to another term that the nearest codes serve worst.
void MatrixQuantizer::setAsideElements() {
  const WeightForm asked = matrix.form;
  matrix.form.method = WeightForm::Search; // clips what a few elements alone would need
  fitSides();
  takeNearest();
  matrix.rest.scattered = findWorstElements(errorsOf(), n, k, diagonal, matrix.form.outlierElements(n, k));
  matrix.form = asked;
}

/// Takes the columns out of the weights that the nearest codes serve worst.
void MatrixQuantizer::setAsideOutliers() {
  const WeightForm asked = matrix.form;
  matrix.form.method = WeightForm::Nearest; // a search would let the worst column alone have a good scale
  fitSides();
  takeNearest();
  matrix.rest.columns = findWorstColumns(errorsOf(), k, diagonal, matrix.form.outlierColumns(k), parallel);
  aside.assign(k, 0);
  for (int64_t column : matrix.rest.columns)
    aside[column] = 1;
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column : matrix.rest.columns)
      asideValues.push_back(std::exchange(weights[row * k + column], 0.0f));
  matrix.form = asked;
}

/// The other terms, of what the codes leave.
void MatrixQuantizer::fitRest() {
  ResidualTerms &rest = matrix.rest;
  for (size_t i = 0; i < asideValues.size(); ++i)
    weights[i / rest.columns.size() * k + rest.columns[i % rest.columns.size()]] = asideValues[i];
  if (!rest.columns.empty()) {
    std::vector<float> errors = errorsOf(), own;
    for (int64_t row = 0; row < n; ++row)
      for (int64_t column : rest.columns)
        own.push_back(errors[row * k + column]);
    rest.columnValues = ByteMatrix::nearest(n, rest.columns.size(), own);
  }
  if (matrix.form.rank > 0)
    std::tie(rest.left, rest.right) = fitLowRank(errorsOf(), n, k, matrix.form.rank, gram, parallel);
}
