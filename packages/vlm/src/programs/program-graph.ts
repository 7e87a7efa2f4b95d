/**
 * An empty program. The operator set is that of 2022 on purpose: the runtime gives a node to a GPU only if a kernel names
 * the very version of the node's operator, and kernels for newer versions come to the CUDA provider one by one: in many
 * releases it has no `ReduceMax` of set 20 and no `Loop` of set 21, and caches and logits would cross to the host at every
 * token. All that is used here it has in set 18 (`test/cuda-kernels.test.ts`).
 */
import { Graph, type Tensor } from '@evolmm/onnx'

export const programGraph = (name: string): Graph => new Graph(name, { opset: 18 })

/** A constant of the graph that is one whole number, []. */
export const integer = (graph: Graph, value: number): Tensor => graph.constant('int64', [], [value])
