/**
 * What the judge is asked when MathVista's shortcuts do not read the answer. lmms-eval shows five worked examples too;
 * these are ours.
 */

const examples: readonly (readonly [question: string, response: string, extraction: string])[] = [
  [
    'Hint: give a whole number.\nQuestion: How many people are taller than 180 cm?',
    'Two bars in the chart pass the line at 180 cm, so there are 2 such people.',
    '2',
  ],
  [
    'Hint: give a number with one decimal.\nQuestion: How wide is the gap, in metres?',
    'Subtracting the two readings leaves a gap of about 1.6 m.',
    '1.6',
  ],
  [
    'Hint: give a number with two decimals.\nQuestion: What share of the pie is green?',
    'The green slice is a quarter of the circle, that is 0.25 of it.',
    '0.25',
  ],
  [
    'Hint: give a Python list.\nQuestion: Between which two years did sales fall most?',
    'The steepest fall is from 2004 to 2005.',
    '[2004, 2005]',
  ],
  [
    'Hint: give the letter of the right option.\nQuestion: Which line is the longest?\nChoices:\n(A) the red one\n(B) the blue one',
    'Compared with the grid, the blue line is clearly longer.',
    'B',
  ],
]

const instruction =
  'Read the final answer out of a response to a question, in the form that the hint of the question asks for. Reply with the answer alone.'

export function mathVistaExtractionPrompt(query: string, response: string): string {
  const shown = examples.map(([question, text, extraction]) => `${section(question, text)} ${extraction}`)
  return [instruction, ...shown, section(query, response)].join('\n\n')
}

function section(question: string, response: string): string {
  return `${question}\n\nResponse: ${response}\n\nAnswer:`
}
