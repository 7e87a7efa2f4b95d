/** Searches for the best value of something: a chart for each, all with the same axes, so that they can be compared. */
import type { PageContent, Sweep } from '@evolmm/runs'
import { evenly } from './choose-moments'
import type { Column } from './downsample'
import { lineChart, type LineChartOptions } from './line-chart'
import { markup, type Markup } from './markup'

/** Searches that are drawn, from the first to the last. */
const most = 12

/** Charts of the searches; none where nothing was searched. */
export function sweepCharts(
  all: readonly Sweep[],
  { axis }: Pick<NonNullable<PageContent<never>['sweeps']>, 'axis'>,
): Markup[] {
  const drawn = evenly(
    all.filter(({ points }) => points.some(isDrawn)),
    most,
  )
  const places = drawn.flatMap(({ points }) => points.filter(isDrawn).map(({ at }) => at))
  const domain = [Math.min(...places), Math.max(...places)] as const
  return drawn.map(({ title, points, chosen }) => {
    const options: LineChartOptions = {
      ...{ title, domain, axis, chosen, span: [0, 1], dots: true },
      lines: [{ label: 'measured', tone: 'first', band: false, columns: points.filter(isDrawn).map(column) }],
    }
    return markup`<figure class="curve"><h4>${title}</h4>
${lineChart(options)}</figure>
`
  })
}

function isDrawn({ at, value }: Sweep['points'][number]): boolean {
  return Number.isFinite(at) && Number.isFinite(value)
}

function column({ at, value }: Sweep['points'][number]): Column {
  return { from: at, to: at, value, low: value, high: value, lower: value, upper: value }
}
