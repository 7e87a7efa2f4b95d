/**
 * ChartQA's relaxed accuracy: numbers within 5 % of a target that is not zero, anything else as text without regard
 * to case. |p - t| / |t| in this order, in doubles and without an epsilon: 14.7 is right for 14, 1.05 wrong for 1.
 */
import { checkText, parseFloatText } from '@evolmm/internal'

export function relaxedMatch(prediction: string, target: string): boolean {
  checkText('prediction', prediction)
  checkText('target', target)
  const [p, t] = [parseShare(prediction), parseShare(target)]
  if (p !== undefined && t !== undefined && t !== 0) return Math.abs(p - t) / Math.abs(t) <= 0.05
  return prediction.toLowerCase() === target.toLowerCase()
}

/** "25%" is 0.25, whatever the number of percent signs. */
function parseShare(text: string): number | undefined {
  let end = text.length
  while (end > 0 && text[end - 1] === '%') end--
  if (end === text.length) return parseFloatText(text)
  const value = parseFloatText(text.slice(0, end))
  return value === undefined ? undefined : value / 100
}
