/** The page as a reader sees it, in headless Chromium. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryOf, runLog } from '@evolmm/runs'
import { evolmm } from '@evolmm/trainer'
import { writeReport } from '../src'
import { findChromium, openBrowser, type Page, type View } from './support/browser'
import { drawCharts, sampleRecords, sampleRunFile } from './support/sample-run'

const chromium = findChromium()
const title =
  chromium === undefined
    ? 'report in a browser (skipped: no Chromium at /usr/bin/chromium or $CHROMIUM; Debian: apt-get install chromium)'
    : 'report in a browser'

const views: View[] = (['light', 'dark'] as const).flatMap((scheme) =>
  [1400, 820, 390, 375].map((width) => ({ width, scheme })),
)

/** The page's texts with too little contrast against what lies behind them; both colours as the browser computed them. */
const lowContrast = `(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number)
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const backgroundOf = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const color = channels(getComputedStyle(one).backgroundColor)
      if (color.length === 3 || color[3] === 1) return color
    }
    return null
  }
  for (const details of document.querySelectorAll('details')) details.open = true
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found = []
  let texts = 0
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    if (node.data.trim() === '' || element.closest('script, title') !== null) continue
    texts++
    const style = getComputedStyle(element)
    const front = channels(element instanceof SVGElement ? style.fill : style.color)
    const back = backgroundOf(element)
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    if (!(ratio >= 4.5) || Number(style.opacity) < 1) found.push(node.data.trim() + ': ' + ratio)
  }
  return { texts, found }
})()`

describe.skipIf(chromium === undefined)(title, () => {
  let folder: string
  let page: Page
  const urls = { charts: '', hostile: '', falling: '' }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'evolmm-report-'))
    const root = join(folder, 'charts')
    await drawCharts(root, 12)
    const options = { steps: 90, images: 14, root, probeEvery: 30, alarms: true }
    urls.charts = await write('run', options)
    const hostile = `<img src="http://192.0.2.1/a.png"><script src="http://192.0.2.1/b.js"></script>${'w'.repeat(300)}`
    urls.hostile = await write('hostile', { steps: 6, root: hostile }, hostile)
    urls.falling = await write('falling', { steps: 90 }, undefined, (agreement) => 1 - agreement)
    page = await openBrowser(chromium ?? '')
  })
  afterAll(async () => {
    await page.close()
    rmSync(folder, { recursive: true })
  })

  /** Writes a page with `text` in the place of all that models and people write. */
  async function write(
    name: string,
    options: Parameters<typeof sampleRecords>[0],
    text?: string,
    agreementOf = (agreement: number) => agreement,
  ) {
    const home = join(folder, name)
    mkdirSync(home)
    const run = sampleRunFile(options)
    writeFileSync(join(home, 'run.json'), JSON.stringify({ ...run, name: text ?? run.name }))
    const log = runLog(evolmm)
    await log.start({ name, folder: home, config: {}, totalSteps: 0, startStep: 0, probe: null })
    for (const record of sampleRecords(options)) {
      const images = record.images.map((image) => ({
        ...image,
        question: text ?? image.question,
        relativePath: text ?? image.relativePath,
        agreement: agreementOf(image.agreement),
        proposerText: text ?? image.proposerText,
        answers: image.answers.map((answer) => ({ ...answer, answer: text ?? answer.answer })),
        histogram: text === undefined ? image.histogram : [{ answer: text, count: 5 }],
      }))
      await log.log(entryOf(evolmm, { ...record, images }))
    }
    await log.finish({ step: options.steps, status: 'finished' })
    return pathToFileURL(await writeReport({ folder: home, kind: evolmm })).href
  }

  const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`

  test.each(views)(
    '$width px, $scheme: no request, no complaint, nothing wider than the window',
    async (view) => {
      for (const url of Object.values(urls)) {
        await page.open(url, view)
        expect(await page.evaluate(overflow)).toBe(0)
        await page.evaluate(`document.querySelectorAll('details').forEach((one) => { one.open = true })`)
        expect(await page.evaluate(overflow)).toBe(0)
        expect(page.requests).toEqual([])
        expect(page.complaints).toEqual([])
      }
    },
  )

  test.each(['light', 'dark'] as const)('%s: every text has a contrast of at least 4.5', async (scheme) => {
    await page.open(urls.charts, { width: 1400, scheme })
    const { texts, found } = (await page.evaluate(lowContrast)) as { texts: number; found: string[] }
    expect(texts).toBeGreaterThan(300)
    expect(found).toEqual([])
  })

  test.each(['light', 'dark'] as const)('%s: a fall has not the colour of a rise', async (scheme) => {
    await page.open(urls.charts, { width: 1400, scheme })
    const color = (what: string) =>
      page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(what)})).color`)
    const fill = (what: string) =>
      page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(what)})).fill`)
    const changes = [await color('.rise .change'), await color('.fall .change'), await color('.none .change')]
    expect(new Set(changes).size).toBe(3)
    const outcomes = [await color('.outcome.rise strong'), await color('.outcome.fall strong')]
    expect(outcomes).toEqual(changes.slice(0, 2))
    const mark = await fill('.compare.first .rise g.after circle')
    await page.open(urls.falling, { width: 1400, scheme })
    expect(await fill('.compare.first .fall g.after circle')).not.toBe(mark)
  })

  test('the two schemes differ, and paper is white', async () => {
    const background = async (view: View) => {
      await page.open(urls.charts, view)
      return page.evaluate('getComputedStyle(document.body).backgroundColor')
    }
    const [light, dark] = [
      await background({ width: 800, scheme: 'light' }),
      await background({ width: 800, scheme: 'dark' }),
    ]
    expect(light).not.toBe(dark)
    expect(await background({ width: 720, scheme: 'dark', media: 'print' })).toBe('rgb(255, 255, 255)')
    expect(await page.evaluate(overflow)).toBe(0)
  })

  test('pictures are there, and small texts of charts keep their size in every layout', async () => {
    for (const width of [1400, 390]) {
      await page.open(urls.charts, { width, scheme: 'light' })
      const images = `[...document.images].map((image) => image.naturalWidth)`
      const sizes = (await page.evaluate(images)) as number[]
      expect(sizes.length).toBeGreaterThan(10)
      expect(sizes.every((size) => size === 112)).toBe(true)
      const scale = `document.querySelector('svg.chart').getBoundingClientRect().width / 360`
      expect(await page.evaluate(scale)).toBeGreaterThan(0.94)
    }
  })

  test('the values under the pointer appear in all charts and go away again', async () => {
    await page.open(urls.charts, { width: 1400, scheme: 'light' })
    const readouts = `[...document.querySelectorAll('.readout')].map((one) => one.textContent)`
    expect(new Set((await page.evaluate(readouts)) as string[])).toEqual(new Set(['']))
    const box = `(() => {
      const chart = document.querySelector('svg.chart')
      chart.scrollIntoView({ block: 'center', behavior: 'instant' })
      const { left, top, width, height } = chart.getBoundingClientRect()
      return { x: left + (width * 284) / 360, y: top + height / 2 }
    })()`
    const { x, y } = (await page.evaluate(box)) as { x: number; y: number }
    await page.point(x, y)
    const shown = (await page.evaluate(readouts)) as string[]
    expect(shown[0]).toMatch(/^iteration 90: 0\.\d{3}$/)
    for (const text of shown) expect(text).toMatch(/^(iteration )?\d+: \S/)
    await page.point(1, y)
    expect(new Set((await page.evaluate(readouts)) as string[])).toEqual(new Set(['']))
  })

  test('without a script nothing is missing but that', async () => {
    await page.open(urls.charts, { width: 1400, scheme: 'light', script: false })
    const count = `document.querySelectorAll('svg.chart .line').length`
    expect(await page.evaluate(count)).toBeGreaterThan(15)
    expect(await page.evaluate(`document.querySelectorAll('.readout').length`)).toBe(0)
    expect(page.complaints).toEqual([])
  })
})
