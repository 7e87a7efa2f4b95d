/** The charts of a metric table: rows with one title share a chart, charts of one panel a section. */
import type { ChartOptions, Heading, Metric, PageContent } from '@evolmm/runs'

export interface ChartPlan {
  title: string
  chart: ChartOptions
  /** Rows that are drawn as lines, and those that are levels to compare with. */
  lines: Metric<never>[]
  references: Metric<never>[]
}

export interface SectionPlan extends Heading {
  charts: ChartPlan[]
}

/** Rows that name no panel are in the last section. */
const otherPanel = 'Numbers'

/** Sections in the order of the page, then in that of the table. */
export function planCharts(
  metrics: readonly Metric<never>[],
  { panels = [] }: Pick<PageContent<never>, 'panels'>,
): SectionPlan[] {
  const sections = new Map<string, Map<string, ChartPlan>>(panels.map(({ title }) => [title, new Map()]))
  for (const metric of metrics) {
    const { title, panel = otherPanel, chart = {}, isReference = false } = metric
    if (title === undefined) continue
    const charts = sections.get(panel) ?? new Map<string, ChartPlan>()
    sections.set(panel, charts)
    const plan = charts.get(title) ?? { title, chart, lines: [], references: [] }
    charts.set(title, plan)
    ;(isReference ? plan.references : plan.lines).push(metric)
  }
  return [...sections].map(([title, charts]) => ({
    title,
    lead: panels.find((panel) => panel.title === title)?.lead ?? '',
    charts: [...charts.values()],
  }))
}
