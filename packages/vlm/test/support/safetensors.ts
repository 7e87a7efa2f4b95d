/** The tiny checkpoint, and folders to put copies of it in. */
import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RawTensor } from '@evolmm/internal/testing'
import { onTestFinished } from 'vitest'

export { floats, readRaw, take, writeHeader, writeRaw, type RawTensor } from '@evolmm/internal/testing'

export const tinyFolder = join(import.meta.dirname, '../fixtures/qwen2_5_vl-tiny')

/** A folder that goes when the test is over. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-vlm-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The tiny checkpoint's configuration and, if asked for, weights, in a folder of its own. */
export async function copyTiny(
  names: readonly string[] = ['config.json', 'model.safetensors'],
): Promise<string> {
  const folder = await makeFolder()
  for (const name of names) await copyFile(join(tinyFolder, name), join(folder, name))
  return folder
}

/** What a model folder of the tiny checkpoint holds. */
export async function checkpointFiles(): Promise<string[]> {
  const names = await readdir(tinyFolder)
  return names.filter(
    (name) => /\.(json|safetensors)$/.test(name) && !/^(reference|config\.nested)/.test(name),
  )
}

/** What two files must agree in: type, shape and bytes of each tensor, whatever their order. */
export function contentOf(tensors: ReadonlyMap<string, RawTensor>): Record<string, unknown> {
  const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
  return Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: hash(data) }]),
  )
}

/** True where two arrays have the same bytes; much faster than comparing them value by value in a matcher. */
export function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return bytesOf(a).equals(bytesOf(b))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
