/** What a page gets: a bundle without anything of Node, and gradients that are right with onnxruntime-web in Chromium. */
import { dirname } from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { describe, expect, test } from 'vitest'
import * as all from '@evolmm/onnx'
import { families } from './cases/index'
import { chromium, runPage } from './support/chromium'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A bundle for browsers, from the sources of the package. */
async function bundle(options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    conditions: ['@evolmm/source'],
    logLevel: 'silent',
    write: false,
    ...options,
  })
  return outputFiles?.[0].text ?? ''
}

const bundled = (contents: string) => bundle({ stdin: { contents, resolveDir: root } })

describe('a bundle for browsers', () => {
  test('has everything but what opens files', async () => {
    const text = await bundled(`export * from '@evolmm/onnx'`)
    const page = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as object
    const missing = Object.keys(all).filter((name) => !(name in page))
    expect(missing.sort()).toEqual(['checkExternalData', 'externalData', 'readExternalData'])
  })

  test('is refused by name where it asks for what opens files', async () => {
    const contents = `import { checkExternalData } from '@evolmm/onnx'; checkExternalData()`
    await expect(bundled(contents)).rejects.toThrow(
      'No matching export in "src/browser.ts" for import "checkExternalData"',
    )
  })
})

const title = 'gradients in Chromium'
const reason = 'no Chromium (sh scripts/install-webgpu.sh installs one where Debian is)'

describe.skipIf(chromium === undefined)(
  chromium === undefined ? `${title}, skipped: ${reason}` : title,
  () => {
    test('agree with finite differences there', async () => {
      const script = await bundle({
        entryPoints: ['test/support/browser-page.ts'],
        alias: { 'onnxruntime-node': 'onnxruntime-web/wasm' },
      })
      const wasm = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'))
      const checked = ['matrix', 'losses']
      const result = await runPage(script, `families=${checked.join()}`, wasm)
      const { errors, ...rest } = result as { errors: Record<string, number | string> }
      expect(rest).toEqual({ written: [3, 4] })
      const wrong: Record<string, number | string> = {}
      for (const name of checked)
        for (const [opType, cases] of Object.entries(families[name]))
          for (const [index, { tolerance = 1e-6 }] of cases.entries()) {
            const error = errors[`${opType} ${index}`]
            if (!(Number(error) < tolerance)) wrong[`${opType} ${index}`] = error
          }
      expect(wrong).toEqual({})
    })
  },
)
