/** A program, opened: named values in, named values out. */
import type { Graph } from '@evolmm/onnx'
import { serialize } from '@evolmm/onnx'
import { InferenceSession, Tensor } from './onnxruntime'
import type { Feed } from '../backbones/backbone'

export interface Program {
  /** What it reads; other feeds are left out. */
  inputs: ReadonlySet<string>
  run: (feeds: Record<string, Feed>) => Promise<Record<string, Tensor>>
  release: () => Promise<void>
}

export interface OpenProgramOptions {
  /** Where the weights lie. */
  folder: string
  /** @default the runtime's */
  threads?: number | undefined
  providers?: readonly string[]
  /** Rearrange weights for speed, in memory of the program's own. @default true */
  prepack?: boolean
}

export async function openProgram(graph: Graph, options: OpenProgramOptions): Promise<Program> {
  const { folder, threads, providers = ['cpu'], prepack = true } = options
  const session = await InferenceSession.create(serialize(graph), {
    logSeverityLevel: 3,
    // With patterns the runtime asks for one block as large as all weights, although it maps them.
    enableMemPattern: false,
    executionProviders: [...providers],
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    extra: {
      session: {
        model_external_initializers_file_folder_path: folder,
        ...(!prepack && { disable_prepacking: '1' }),
      },
    },
  })
  const inputs = new Set(session.inputNames)
  return {
    inputs,
    run: (feeds) =>
      session.run(
        Object.fromEntries(
          Object.entries(feeds)
            .filter(([name]) => inputs.has(name))
            .map(([name, { dtype, dims, data }]) => [name, new Tensor(dtype, data as Float32Array, dims)]),
        ),
      ),
    release: () => session.release(),
  }
}
