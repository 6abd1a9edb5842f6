// RUN: lutra-run %s --print | FileCheck %s

// One unit, no weights, biases i = o = 0, f = large, c~ = large: i = o = 1/2, f = 1, c~ = 1. From c = 1:
// c = 1.5, h = tanh(1.5) / 2 = 0.452574; then c = 2, h = tanh(2) / 2 = 0.482014.
// CHECK: @steps 0: 2x1x1x1xf32 = {{\[\[\[\[}}0.452574]]], {{\[\[\[}}0.482014]]]]
// CHECK: @steps 1: 1x1x1xf32 = {{\[\[\[}}0.482014]]]
// CHECK: @steps 2: 1x1x1xf32 = {{\[\[\[}}2]]]
// Reversed, the first place holds the last step.
// CHECK: @steps 3: 2x1x1x1xf32 = {{\[\[\[\[}}0.482014]]], {{\[\[\[}}0.452574]]]]
func.func @steps() -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<2x1x1x1xf32>) {
  %x = lutra.constant dense<0.0> : tensor<2x1x1xf32>
  %w = lutra.constant dense<0.0> : tensor<1x4x1xf32>
  %b = lutra.constant dense<[[0.0, 0.0, 60.0, 60.0, 0.0, 0.0, 60.0, 60.0]]> : tensor<1x8xf32>
  %h = lutra.constant dense<0.0> : tensor<1x1x1xf32>
  %c = lutra.constant dense<1.0> : tensor<1x1x1xf32>
  %0, %1, %2 = lutra.lstm<forward> %x, %w, %w, %b, %h, %c : (tensor<2x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x8xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  %3, %4, %5 = lutra.lstm<reverse> %x, %w, %w, %b, %h, %c : (tensor<2x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x8xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  return %0, %1, %2, %3 : tensor<2x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<2x1x1x1xf32>
}
