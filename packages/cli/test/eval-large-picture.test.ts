/** `evolmm eval` at the pixels of the published evaluation, 12,845,056, on the tiny checkpoint with a picture that is large. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sizedTest, temporaryFolder } from '@evolmm/internal/testing'
import { loadVlm } from '@evolmm/vlm'
import sharp from 'sharp'
import { expect } from 'vitest'
import { library } from '../src/installed-library'
import { runCommand } from './support/run-command'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
// As the published model, it has room for so many tokens: 3,584 squared are the 12,845,056 pixels: 65,536 patches, 16,384 tokens.
const sizes = { 'pixels a side': [784, 1568, 3584] } as const

sizedTest('a picture of that size is asked about as it is', sizes, async ({ count: side }) => {
  const folder = temporaryFolder()
  const model = join(folder, 'model')
  cpSync(tiny, model, { recursive: true })
  const file = join(model, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8')) as object
  writeFileSync(file, JSON.stringify({ ...config, max_position_embeddings: 32768 }))
  const pixels = Uint8Array.from({ length: 3 * side * side }, (_, i) => (i * i) / 911 + i / 7)
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toFile(join(folder, 'large.png'))
  const task = join(folder, 'large.jsonl')
  writeFileSync(task, `${JSON.stringify({ image: 'large.png', question: 'What?', answer: 'This.' })}\n`)
  const patches: number[] = []
  const watched = {
    ...library,
    loadVlm: async (...given: Parameters<typeof loadVlm>) => {
      const vlm = await loadVlm(...given)
      const encodeImage: typeof vlm.encodeImage = async (...image) => {
        const encoded = await vlm.encodeImage(...image)
        patches.push(encoded.patches)
        return encoded
      }
      return { ...vlm, encodeImage }
    },
  }
  const output = join(folder, 'out')
  const argv = [
    'eval',
    '--model',
    model,
    '--tasks',
    task,
    '--max_pixels',
    '12845056',
    '--output_path',
    output,
  ]
  const { code, stdout, stderr } = await runCommand([...argv, '--gen_kwargs', 'max_new_tokens=4'], {
    library: watched,
  })
  expect(code, stderr).toBe(0)
  expect(patches).toEqual([(side / 14) ** 2])
  expect(stdout).toMatch(/\| large +\| accuracy +\| +0 \|.*\| +1 \|/)
})
