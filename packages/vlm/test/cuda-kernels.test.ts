/** That every node of every program has a kernel of the CUDA provider: see `support/cuda-kernels.ts`. */
import { adamWProgram } from '@evolmm/onnx'
import { expect, test } from 'vitest'
import { cudaKernels, withoutKernel } from './support/cuda-kernels'
import { tinyFolder } from './support/safetensors'

cudaKernels(tinyFolder)

test('AdamW: a kernel for every node', () => {
  const graph = adamWProgram({ size: 100_000 })
  expect(graph.opset).toBe(18)
  expect(withoutKernel(graph)).toEqual([])
})
