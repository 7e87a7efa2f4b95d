/** Cases of arguments that are refused, each with one typed error. */
import { expect, test } from 'vitest'
import { EvolmmError, Graph, type Tensor } from '@evolmm/onnx'

interface Given {
  graph: Graph
  /** float32 [2, 3] */
  x: Tensor
  /** int64 [3] */
  i: Tensor
  /** `bool []` */
  yes: Tensor
}
export type Case = [name: string, code: string, message: string, build: (given: Given) => unknown]

/** What the types would not let through. */
export const wrong = (value: unknown) => value as never

/** A test for each case: the error's code, and what its message contains. */
export function testRefusals(cases: Case[]): void {
  test.each(cases)('%s', (_, code, message, build) => {
    const graph = new Graph('arguments')
    const x = graph.input('x', 'float32', [2, 3])
    const [i, yes] = [graph.input('i', 'int64', [3]), graph.input('yes', 'bool', [])]
    let error: unknown
    try {
      build({ graph, x, i, yes })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(EvolmmError)
    expect((error as EvolmmError).message).toContain(message)
    expect((error as EvolmmError).code).toBe(code)
  })
}
