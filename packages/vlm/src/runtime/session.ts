/** Programs, opened as sessions of the runtime: named values in, named values out. */
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
}

export interface OpenedProgram extends Program {
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

export async function openProgram(graph: Graph, options: OpenProgramOptions): Promise<OpenedProgram> {
  const failed = failureOf(graph.name, options.providers)
  const session = await openSession(serialize(graph, { flat: true }), options).catch(failed)
  const inputs = new Set(session.inputNames)
  const known = ([name]: [string, unknown]) => inputs.has(name)
  return {
    inputs,
    run: (feeds) => session.run(Object.fromEntries(tensorsOf(feeds).filter(known))).catch(failed),
    release: () => session.release(),
  }
}

export function openSession(
  model: Uint8Array,
  { folder, threads, providers = ['cpu'], prepack = true, optimized = false }: OpenProgramOptions,
): Promise<InferenceSession> {
  return InferenceSession.create(model, {
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
  })
}

/** Feeds as the runtime takes them, by name. */
export function tensorsOf(feeds: Feeds): [string, Tensor][] {
  return Object.entries(feeds).flatMap(([name, feed]): [string, Tensor][] =>
    feed === undefined ? [] : [[name, new Tensor(feed.dtype, feed.data as Float32Array, feed.dims)]],
  )
}

/** A GPU may run out of memory or lack what a program needs; what fails on the CPU is a mistake of ours. */
export function failureOf(
  program: string,
  [first]: readonly Provider[] = ['cpu'],
): (cause: unknown) => never {
  const device = typeof first === 'string' ? first : first.name
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
