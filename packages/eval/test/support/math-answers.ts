/**
 * Answers to questions of mathematics as models write them, drawn at random from a grammar: boxes, texts, fractions,
 * roots, units, degrees, percents, tuples, intervals, infinities, options, mixed numbers, and sentences around them.
 */
import { philox4x32 } from '@evolmm/internal'

export interface MathCase {
  /** What a model wrote. */
  response: string
  /** The right answer: a letter where there are options. */
  gold: string
  options: string[]
}

/** The case with this number; a seed has a case for each. */
export function mathCase(index: number, seed: number): MathCase {
  const draw = drawer(index, seed)
  const { pick, chance, number } = draw
  const said = answer(draw)
  if (chance(0.25)) {
    const options = Array.from({ length: pick([2, 4, 5, 5]) }, () => answer(draw))
    const place = Math.floor(number() * options.length)
    const letter = 'ABCDE'[place]
    if (chance(0.3)) options[place] = said
    const written = chance(0.6) ? option(draw, chance(0.7) ? letter : pick(letters)) : said
    return { response: sentence(draw, written), gold: letter, options }
  }
  const gold = chance(0.4) ? said : chance(0.5) ? respelt(draw, said) : answer(draw)
  return { response: sentence(draw, said), gold, options: [] }
}

const letters = ['A', 'B', 'C', 'D', 'E']

interface Drawer {
  /** A number from 0 to 1. */
  number: () => number
  chance: (share: number) => boolean
  pick: <T>(items: readonly T[]) => T
}

function drawer(index: number, seed: number): Drawer {
  let at = 0
  let words: readonly number[] = []
  const number = () => {
    if (at % 4 === 0) words = philox4x32([index, at / 4, 0, 0], [seed, 0])
    return words[at++ % 4] / 2 ** 32
  }
  return {
    number,
    chance: (share) => number() < share,
    pick: (items) => items[Math.floor(number() * items.length)],
  }
}

function digits({ number, pick }: Drawer): string {
  return String(Math.floor(number() * pick([10, 10, 100, 1000])))
}

/** A number as it may be spelt. */
function numeral(draw: Drawer): string {
  const { pick, chance } = draw
  const whole = digits(draw)
  if (chance(0.55)) return whole
  return pick([
    `${whole}.0`,
    `${whole}.5`,
    `${whole}.${digits(draw)}`,
    `.${digits(draw)}`,
    `${whole}.`,
    `0${whole}`,
    `${1 + (Number(whole) % 9)},${whole.padStart(3, '0').slice(0, 3)}`,
    `${1 + (Number(whole) % 9)}{,}${whole.padStart(3, '0').slice(0, 3)}`,
    `${1 + (Number(whole) % 9)} ${whole.padStart(3, '0').slice(0, 3)}`,
    `${whole}_${whole}`,
    `${whole}e3`,
    `${whole}/${digits(draw)}`,
    `${whole} 1/2`,
    '٣',
    '½',
    '0.5',
  ])
}

function fraction(draw: Drawer, depth: number): string {
  const { pick } = draw
  const [a, b] = [expression(draw, depth - 1), expression(draw, depth - 1)]
  const [x, y] = [digits(draw)[0], digits(draw)[0]]
  return pick([
    `\\frac{${a}}{${b}}`,
    `\\frac{${a}}{${b}}`,
    `\\dfrac{${a}}{${b}}`,
    `\\tfrac{${a}}{${b}}`,
    `\\frac${x}${y}`,
    `\\frac${x}{${b}}`,
    `\\frac{${a}}${y}`,
    `${digits(draw)}\\frac{${x}}{${y}}`,
    `${digits(draw)} \\frac{${a}}{${b}}`,
  ])
}

function root(draw: Drawer, depth: number): string {
  const a = expression(draw, depth - 1)
  const x = digits(draw)
  return draw.pick([
    `\\sqrt{${a}}`,
    `\\sqrt{${a}}`,
    `${x}\\sqrt{${a}}`,
    `\\sqrt ${x}`,
    `\\sqrt${x}`,
    `\\sqrt[3]{${a}}`,
    `\\frac{\\sqrt{${a}}}{${x}}`,
    `\\frac{\\sqrt${x}}2`,
  ])
}

/** A value, or what looks like one. */
function expression(draw: Drawer, depth = 2): string {
  const { pick, chance } = draw
  if (depth <= 0 || chance(0.35)) return numeral(draw)
  const next = () => expression(draw, depth - 1)
  return pick([
    () => fraction(draw, depth),
    () => fraction(draw, depth),
    () => root(draw, depth),
    () => root(draw, depth),
    () => `-${next()}`,
    () => `+${next()}`,
    () => `${next()}${pick(['+', '-', ' + ', ' - '])}${next()}`,
    () => `${next()}${pick(['\\cdot ', '\\times ', ' \\div ', '*', ':', '/'])}${next()}`,
    () => `${digits(draw)}\\pi`,
    () => '\\pi',
    () => `${next()}^${digits(draw)[0]}`,
    () => `${digits(draw).slice(-1)}^{${small(next())}}`,
    () => `2^{-${digits(draw)[0]}}`,
    () => `${digits(draw)[0]}!`,
    () => `(${next()})`,
    () => `\\left(${next()}\\right)`,
    () => `[${next()}]`,
    () => `{${next()}}`,
    () => `${digits(draw)}(${next()})`,
    () => `|${next()}|`,
    () => `\\left|${next()}\\right|`,
    () => `\\lfloor ${next()} \\rfloor`,
    () =>
      `\\${pick(['sin', 'cos', 'tan', 'log', 'ln', 'exp'])}${pick([' ', '(', '{', '_2 ', '^2 '])}${digits(draw)}`,
    () => `\\${pick(['sin', 'log', 'ln'])}(${next()})`,
    () => `\\binom{${digits(draw)[0]}}{${digits(draw)[0]}}`,
    () => `${next()}\\pm${next()}`,
    () => `${digits(draw)}${pick(['x', 'n', 'a', 'e', 'i', 'ab'])}`,
    () => pick(['x', 'y', 'n', 'e', 'i', '\\tau', '\\alpha', '\\theta']),
  ])()
}

/** An exponent that leaves its power a number which Python has the time for. */
function small(exponent: string): string {
  return /\^|\d{2}/.test(exponent) ? '3' : exponent
}

const units = [
  ...['units', ' units', '\\text{ units}', '\\ \\text{units}', '{units}', ' square units', '\\text{ cm}'],
  ...[
    '\\,\\text{cm}',
    '\\text{cm}^2',
    '\\mathrm{cm}',
    '\\mathrm{~cm}^{2}',
    'cm',
    ' cm',
    ' cm^2',
    'km',
    ' km',
  ],
  ...[
    '{km}',
    '\\text{km}',
    '\\text{ km}',
    '\\mbox{ km}',
    '\\mbox{km}',
    'm^3',
    ' m^3',
    '{m}^3',
    '\\text{m}^3',
  ],
  ...[
    '\\text{ m}^3',
    '^\\circ',
    '^{\\circ}',
    '^ \\circ',
    '°',
    '^\\circ C',
    '\\degree',
    '\\%',
    '%',
    ' \\%',
    ' %',
  ],
  ...[' hours', '\\text{ hours}', ' m/s', ' percent', '\\text{ dollars}'],
]

function option({ pick }: Drawer, letter: string): string {
  return pick([
    ...[letter, letter, `(${letter})`, `${letter}.`, `\\text{${letter}}`, `\\text{(${letter})}`],
    ...[`\\textbf{(${letter})}`, `\\textbf{${letter}}`, `\\mathrm{${letter}}`, `\\mathbf{(${letter})}`],
    ...[`{${letter}}`, `{(${letter})}`, letter.toLowerCase(), `\\mbox{${letter}}`, `${letter}. 18`],
    ...[`(${letter}) 18`, `\\text{Option ${letter}}`, `\\text{${letter}.}`, `: ${letter}`],
  ])
}

function infinite(draw: Drawer): string {
  return draw.pick([
    '\\infty',
    '-\\infty',
    '+\\infty',
    '∞',
    '-∞',
    '+∞',
    `${digits(draw)}\\infty`,
    '+ \\infty',
  ])
}

function list(draw: Drawer): string {
  const { pick, chance } = draw
  const element = () => {
    if (chance(0.15)) return infinite(draw)
    if (chance(0.08)) return pick(['a', '-a', 'b', ' a', 'x'])
    return expression(draw, 1)
  }
  const elements = Array.from({ length: pick([1, 2, 2, 2, 3]) }, element)
  const inside = elements.join(pick([',', ', ', ', ', ' , ', ';', ',\\ ']))
  return pick([
    ...[
      `(${inside})`,
      `(${inside})`,
      `[${inside}]`,
      `[${inside})`,
      `(${inside}]`,
      `\\left(${inside}\\right)`,
    ],
    ...[
      `\\left[${inside}\\right]`,
      `\\{${inside}\\}`,
      inside,
      `(${inside}) \\cup (1,2)`,
      `x \\in (${inside})`,
    ],
    ...[`\\begin{pmatrix} ${elements.join(' \\\\ ')} \\end{pmatrix}`, `(x,y)=(${inside})`],
  ])
}

/** An answer as it stands in a box. */
function answer(draw: Drawer): string {
  const { pick, chance } = draw
  const kind = draw.number()
  if (kind < 0.25) return numeral(draw)
  if (kind < 0.5) return expression(draw)
  if (kind < 0.65) return `${chance(0.7) ? numeral(draw) : expression(draw, 1)}${pick(units)}`
  if (kind < 0.8) return list(draw)
  if (kind < 0.85) return option(draw, pick(letters))
  if (kind < 0.88) return infinite(draw)
  const value = expression(draw, 1)
  return pick([
    ...[`x=${value}`, `x = ${value}`, `\\approx ${value}`, `x \\approx ${value}`, `x \\le ${value}`],
    ...[
      `\\$${value}`,
      `$${value}$`,
      `\\(${value}\\)`,
      `${value}\\\\`,
      `\\text{${value}}`,
      `\\text{Yes}`,
      'yes',
    ],
    ...[
      `${value}\\text{ or }${numeral(draw)}`,
      `\\textbf{${value}}`,
      `${value}.`,
      `${value}\n`,
      `\\,${value}`,
    ],
    ...[`\\mathbf{${value}}`, `${value}\\!`, `{}${value}`, `${numeral(draw)}:${numeral(draw)}`, ''],
  ])
}

/** Another way to write what may be the same. */
function respelt(draw: Drawer, text: string): string {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value))
    return draw.pick([
      ...[value.toFixed(1), value.toFixed(2), `\\frac{${2 * value}}{2}`, `${value}.0`, String(value + 0.004)],
      ...[`${value}\\cdot 1`, `\\sqrt{${value * value}}`, `$${value}$`, `(${value})`, `${value}^\\circ`],
    ])
  return draw.pick([
    text.replaceAll(' ', ''),
    text.replaceAll('\\frac', '\\dfrac'),
    text.replaceAll(/(\d+)(?![.\d,}])/g, '$1.0'),
    text.replaceAll(/\\left|\\right/g, ''),
    text.replaceAll(',', ', '),
    text.toUpperCase(),
    `$${text}$`,
    `{${text}}`,
    `1 \\cdot ${text}`,
    text.replaceAll('∞', '\\infty'),
  ])
}

/** What a model says around its answer. */
function sentence(draw: Drawer, text: string): string {
  const other = draw.chance(0.5) ? numeral(draw) : answer(draw)
  return draw.pick([
    ...[`\\boxed{${text}}`, `\\boxed{${text}}`, `\\boxed{${text}}`, `The answer is \\boxed{${text}}.`],
    ...[
      `So we get $\\boxed{${text}}$`,
      `$$\\boxed{${text}}$$`,
      `\\[ x = \\boxed{${text}} \\]`,
      `\\fbox{${text}}`,
    ],
    ...[`\\boxed{${other}} and then \\boxed{${text}}`, `\\boxed{${text}} since {x} is 3`, `\\boxed{${text}`],
    ...[`\\\\boxed{${text}}`, `\\boxed{\\boxed{${text}}}`, `\\boxed{x = ${text}}`, text, text, `$${text}$`],
    ...[
      `The answer is ${text}`,
      `The answer is ${text}.`,
      `the answer is ${text}. So it is.`,
      `It is ${text}.`,
    ],
    ...[
      `The final answer is: ${text}\nDone`,
      `the correct answer is\n${text}`,
      `The correct answer is ${text}`,
    ],
    ...[`the answer should be ${text} .\t\nthe rest`, `${text}\nBecause ${other} is less`, `(${text})\n18`],
    ...[`Since ${other} = ${text}`, `therefore x \\approx ${text}`, `We choose ${text}.`, `answer: ${text}`],
  ])
}
