/** Every code block of a page for readers is run by a test, or this file says why it is not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const readmes = ['packages', 'examples'].flatMap((parent) =>
  readdirSync(join(root, parent))
    .map((name) => `${parent}/${name}/README.md`)
    .filter((path) => existsSync(join(root, path))),
)
const guides: Readonly<Record<string, string>> = { 'docs/eval.md': 'eval', 'docs/onnx.md': 'onnx' }
const pages = ['README.md', 'CONTRIBUTING.md', ...readmes, ...Object.keys(guides)]

interface OtherBlocks {
  page: RegExp
  begins: RegExp
  /** The test that runs these blocks. */
  runBy?: string
  /** Why no test does. */
  notRun?: string
}

/** Blocks that are neither TypeScript nor output, by where they stand and how they begin. */
const others: readonly OtherBlocks[] = [
  { page: /packages/, begins: /^npm install /, notRun: 'asks npm; CI installs the packed files instead' },
  {
    page: /rewards-in-your-own-rl/,
    begins: /^npm install .*\nnode train/,
    notRun: 'asks npm; its test calls what train.mjs does',
  },
  { page: /^README/, begins: /^npm test/, notRun: 'is what runs this' },
  { page: /^CONTRIBUTING/, begins: /^npm test/, notRun: 'is what runs this' },
  {
    page: /^README/,
    begins: /^node scripts\/pnpm.*\n.*pnpm.* pack /,
    notRun: 'builds all packages; CI builds and packs them',
  },
  { page: /quickstart|^README/, begins: /^npm run quickstart/, runBy: 'examples/quickstart/test/quickstart' },
  {
    page: /quickstart/,
    begins: /^node packages\/cli\/dist\/main\.js train/,
    runBy: 'examples/quickstart/test/quickstart',
  },
  { page: /^README/, begins: /^node .*\n?node .*main\.js train /, runBy: 'packages/cli/test/root-readme' },
  {
    page: /^README/,
    begins: /^node packages\/cli\/dist\/main\.js eval /,
    runBy: 'packages/cli/test/root-readme',
  },
  { page: /examples\/mstar/, begins: /^pnpm mstar:example/, runBy: 'examples/mstar/test/mstar' },
  {
    page: /examples\/mstar/,
    begins: /^recipe=/,
    notRun: 'needs the data set and the 7B; the test of the recipe takes the tiny checkpoint',
  },
  { page: /examples\/mstar/, begins: /^evolmm plan mstar/, runBy: 'examples/mstar/test/recipe' },
  { page: /examples\/mstar/, begins: /^180,000 questions/, runBy: 'examples/mstar/test/recipe' },
  { page: /packages\/cli/, begins: /^evolmm /, runBy: 'packages/cli/test/readme' },
  { page: /packages\/eval/, begins: /^evolmm eval .*--with_base/, runBy: 'packages/cli/test/eval-charts' },
  { page: /packages\/eval/, begins: /^\{ "image"/, notRun: 'is a row of data' },
  { page: /docs\/eval/, begins: /^const held/, notRun: 'needs a model that is loaded already' },
  { page: /packages\/onnx/, begins: /^allowBuilds/, notRun: 'is a setting of pnpm' },
  { page: /docs\/onnx/, begins: /openSafetensors/, notRun: 'needs a package that onnx does not depend on' },
  { page: /tiny-world/, begins: /^pnpm make:checkpoint/, notRun: 'takes half an hour' },
  {
    page: /qwen-7b-lora/,
    begins: /^sh run\.sh plan/,
    notRun: 'needs the 7B and a card; the block for the tiny checkpoint stands for it',
  },
  { page: /qwen-7b-lora/, begins: /^tiny=/, runBy: 'examples/qwen-7b-lora/test/recipe' },
  { page: /qwen-7b-lora/, begins: /^Qwen\/Qwen2\.5-VL-7B/, runBy: 'examples/qwen-7b-lora/test/recipe' },
]

const blocks = pages.flatMap((page) =>
  [...read(page).matchAll(/^```(\w*)\n(.*?)^```/gms)].map(([, language = '', text = '']) => ({
    page,
    language,
    text,
  })),
)
const rest = blocks.filter(({ language }) => language !== '' && language !== 'ts')
const rowsOf = ({ page, text }: (typeof blocks)[number]) =>
  others.filter((row) => row.page.test(page) && row.begins.test(text))

afterAll(() => {
  const lines = rest.flatMap((block) =>
    rowsOf(block)
      .filter(({ notRun }) => notRun !== undefined)
      .map(({ notRun = '' }) => `  ${block.page}: ${block.text.split('\n')[0]}\n    ${notRun}`),
  )
  process.stdout.write(`Blocks that no test runs:\n${lines.join('\n')}\n`)
})

test.each(pages)('every example in TypeScript of %s is run by a test that leaves none out', (page) => {
  const examples = blocks.filter((block) => block.page === page && block.language === 'ts')
  if (examples.length === 0) return
  const folder = page in guides ? `packages/${guides[page]}` : page.replace('/README.md', '')
  const tests = read(`${folder}/test/readme.test.ts`)
  expect(tests).toMatch(
    page in guides
      ? /readmeExamplesLeft\(\w+, guide\)/
      : /expect\(readmeExamplesLeft\((root|folder|new URL\('\.\.', import\.meta\.url\))\)\)/,
  )
})

test('every other block has one row that says what becomes of it, and every row is of use', () => {
  expect(rest.filter((block) => rowsOf(block).length !== 1)).toEqual([])
  const used = new Set(rest.flatMap(rowsOf))
  expect(others.filter((row) => !used.has(row))).toEqual([])
})

test('the tests that run blocks read the page that these stand on', () => {
  for (const { runBy } of others)
    if (runBy !== undefined) expect(read(`${runBy}.test.ts`)).toContain('README')
})

test('no README is longer than a page of a screen or two: details are in docs', () => {
  const longer = readmes.filter((page) => read(page).split('\n').length > 165)
  expect(longer).toEqual([])
})
