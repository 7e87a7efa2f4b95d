/** A program, opened: named values in, named values out. */
import type { Graph } from '@evolmm/onnx'
import { serialize } from '@evolmm/onnx'
import { EvolmmError } from '../errors'
import { InferenceSession, Tensor } from './onnxruntime'
import type { Feed } from '../backbones/feed'
import type { Provider } from './native-runtime'
import { idleOptimizers } from './idle-optimizers'
import { reasonOf } from './provider-status'

/** Values of inputs by name. What a program does not read may be there, and may be `undefined`. */
export type Feeds = Readonly<Partial<Record<string, Feed>>>

export interface Program {
  /** What it reads; other feeds are left out. */
  inputs: ReadonlySet<string>
  run: (feeds: Feeds) => Promise<Record<string, Tensor>>
  release: () => Promise<void>
}

export interface OpenProgramOptions {
  /** The folder in which the weights lie. */
  folder: string
  /** @default the runtime's */
  threads?: number | undefined
  providers?: readonly Provider[]
  /** Rearrange weights for speed, in memory of the program's own. @default true */
  prepack?: boolean
  /** Have the CPU's optimizers look for all that they know, not only for what gains something. @default false */
  optimized?: boolean
}

export async function openProgram(graph: Graph, options: OpenProgramOptions): Promise<Program> {
  const { folder, threads, providers = ['cpu'], prepack = true, optimized = false } = options
  const failed = failureOf(graph.name, typeof providers[0] === 'string' ? providers[0] : providers[0].name)
  const session = await InferenceSession.create(serialize(graph, { flat: true }), {
    // What goes wrong is thrown as well.
    logSeverityLevel: 4,
    // With patterns the runtime asks for one block as large as all weights, although it maps them.
    enableMemPattern: false,
    executionProviders: [...providers],
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    extra: {
      session: {
        model_external_initializers_file_folder_path: folder,
        ...(!prepack && { disable_prepacking: '1' }),
      },
      ...(providers[0] === 'cpu' &&
        !optimized && {
          optimization: { disable_specified_optimizers: idleOptimizers.join(';') },
        }),
    },
  }).catch(failed)
  const inputs = new Set(session.inputNames)
  return {
    inputs,
    run: (feeds) =>
      session
        .run(
          Object.fromEntries(
            Object.entries(feeds).flatMap(([name, feed]) =>
              feed !== undefined && inputs.has(name)
                ? [[name, new Tensor(feed.dtype, feed.data as Float32Array, feed.dims)]]
                : [],
            ),
          ),
        )
        .catch(failed),
    release: () => session.release(),
  }
}

/** A GPU may run out of memory or lack what a program needs; what fails on the CPU is a mistake of ours. */
function failureOf(program: string, device: string): (cause: unknown) => never {
  return (cause) => {
    if (device === 'cpu') throw cause
    throw new EvolmmError(
      'DEVICE_FAILED',
      `device ${device}: must run the program "${program}", got "${reasonOf(cause)}" from the runtime; ` +
        'free memory of the device, give it less at a time, or choose device cpu',
      { details: { device, program }, cause },
    )
  }
}
