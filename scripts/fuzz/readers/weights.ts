/** Tensors and graphs: weights, adapters, ONNX. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, Graph, op, parse, serialize } from '../../../packages/onnx/src/index'
import { openSafetensors, readSafetensors, writeSafetensors } from '../../../packages/safetensors/src/index'
import { loadState } from '../../../packages/sft/src/index'
import { loadAdapter } from '../../../packages/vlm/src/adapter/load-adapter'
import { openCheckpoint } from '../../../packages/vlm/src/checkpoint/open-checkpoint'
import { readAdapterShape, readBackbone } from '../../../packages/vlm/src/index'
import { asFile, checkpoint, files, former, given, latest, type FuzzedReader } from './reader'

const adapter = 'packages/vlm/test/fixtures/peft-tiny'
const weights = 'adapter_model.safetensors'
const config = 'adapter_config.json'
const backbone = readBackbone(checkpoint)

async function load(folder: string): Promise<void> {
  await loadAdapter(folder, await backbone)
}

/** The header of the tiny checkpoint; its numbers, which are all 0 here, are put behind it. */
function headerOf(bytes: Buffer): Buffer {
  return bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE()))
}

function withNumbers(header: Uint8Array, count: number): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.alloc(count)])
}

const model = readFileSync(join(checkpoint, 'model.safetensors'))
const numbers = model.length - 8 - headerOf(model).length

export const weightReaders: readonly FuzzedReader[] = [
  {
    ...{ name: 'safetensors', text: false },
    corpus: async (folder) => {
      const file = join(folder, 'x.safetensors')
      await writeSafetensors(file, [{ name: 'a', shape: [2, 3], values: new Float32Array(6) }])
      return [readFileSync(file), readFileSync(join(latest, 'solver', weights))]
    },
    read: asFile('x.safetensors', async (file) => {
      await openSafetensors({ files: [file] })
      await readSafetensors(file)
    }),
  },
  {
    ...{ name: 'vectors of a warm-up', text: false },
    corpus: files(join(former, 'warmup/warmup.safetensors')),
    read: asFile('x.safetensors', loadState),
  },
  {
    ...{ name: 'index of shards', text: true },
    corpus: given(
      '{"metadata": {"total_size": 24}, "weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}',
    ),
    read: async (input, folder) => {
      await readShards(input, folder)
    },
  },
  {
    ...{ name: 'header of a checkpoint', text: true },
    corpus: () => Promise.resolve([headerOf(model)]),
    read: async (input, folder) => {
      await readHeader(Buffer.from(withNumbers(input, numbers)), folder)
    },
  },
  {
    ...{ name: 'adapter_config.json', text: true },
    corpus: files(join(adapter, config)),
    read: asFile(
      config,
      async (file, folder) => {
        await readAdapterShape(file)
        await load(folder)
      },
      (folder) => {
        copyFileSync(join(adapter, weights), join(folder, weights))
      },
    ),
  },
  {
    ...{ name: 'weights of an adapter', text: false },
    corpus: files(join(adapter, weights)),
    read: asFile(
      weights,
      (_, folder) => load(folder),
      (folder) => {
        copyFileSync(join(adapter, config), join(folder, config))
      },
    ),
  },
  {
    ...{ name: 'value head', text: false },
    corpus: async (folder) => {
      const file = join(folder, 'value_head.safetensors')
      const { hiddenSize } = (await backbone).sizes
      await writeSafetensors(file, [
        { name: 'v_head.summary.weight', shape: [1, hiddenSize], values: new Float32Array(hiddenSize) },
        { name: 'v_head.summary.bias', shape: [1], values: new Float32Array(1) },
      ])
      return [readFileSync(file)]
    },
    read: asFile(
      'value_head.safetensors',
      (_, folder) => load(folder),
      (folder) => {
        for (const name of [config, weights]) copyFileSync(join(adapter, name), join(folder, name))
      },
    ),
  },
  {
    ...{ name: 'ONNX', text: false },
    corpus: () => {
      const graph = new Graph('small')
      graph.output('y', op.Softmax(op.Reshape(graph.input('x', 'float32', ['n', 4]), [2, -1])))
      return Promise.resolve([serialize(graph)])
    },
    read: (input) => {
      const graph = parse(input)
      describe(graph)
      serialize(graph)
      return Promise.resolve()
    },
  },
]

const readHeader = asFile('model.safetensors', async (_, folder) => {
  await openCheckpoint(folder, await backbone)
})

const shards = new Map<string, Buffer>()

const readShards = asFile('model.safetensors.index.json', async (_, folder) => {
  for (const name of ['a', 'b']) {
    const file = join(folder, `${name}.safetensors`)
    const known = shards.get(file)
    if (known === undefined) {
      await writeSafetensors(file, [{ name, shape: [1], values: new Float32Array(1) }])
      shards.set(file, readFileSync(file))
    } else writeFileSync(file, known)
  }
  await openSafetensors({ folder })
})
