/**
 * A page that checks gradients: bundled for a browser with onnxruntime-web in the place of onnxruntime-node, it makes
 * graphs and their gradients, runs them, and posts the error of each case to the server that it came from.
 */
import { env } from 'onnxruntime-web/wasm'
import {
  differentiate,
  Graph,
  op,
  readInitializer,
  serialize,
  tensorData,
  tensorValues,
  writeInitializers,
} from '@evolmm/onnx'
import { families } from '../cases/index'
import { gradientError } from './check-gradient'

declare const location: { origin: string; search: string }

/** Errors by operator and case, or what was thrown instead. */
async function gradientErrors(names: readonly string[]): Promise<Record<string, number | string>> {
  const errors: Record<string, number | string> = {}
  for (const name of names)
    for (const [opType, cases] of Object.entries(families[name] ?? {}))
      for (const [index, each] of cases.entries())
        errors[`${opType} ${index}`] = await gradientError(each).catch(String)
  return errors
}

/** The numbers of a weight that was written into a file, whose gradient is in it as well. */
function written(): number[] {
  const graph = new Graph('page')
  const w = graph.initializer('w', tensorData('float32', [2], [1, 2]))
  graph.output('loss', op.ReduceSum(op.Mul(w, graph.input('x', 'float32', [2])), undefined, { keepdims: 0 }))
  const bytes = differentiate(serialize(graph), { loss: 'loss', wrt: ['w'] })
  const again = writeInitializers(bytes, { w: tensorData('float32', [2], [3, 4]) })
  return [...(tensorValues(readInitializer(again, 'w')) as Float32Array)]
}

async function main(): Promise<unknown> {
  env.wasm.numThreads = 1
  env.wasm.wasmPaths = `${location.origin}/`
  const asked = new URLSearchParams(location.search).get('families') ?? ''
  return { errors: await gradientErrors(asked.split(',')), written: written() }
}

void main()
  .catch((error: unknown) => ({
    failed: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }))
  .then((result) => fetch('/result', { method: 'POST', body: JSON.stringify(result) }))
