/** The one script of the page: values of all charts of an axis at the place under the pointer. */
export const script = `
const svg = (name, parent, attributes) => {
  const element = document.createElementNS(parent.namespaceURI, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return parent.appendChild(element)
}
const charts = [...document.querySelectorAll('svg.chart')].map((chart) => ({
  chart,
  lines: JSON.parse(chart.dataset.lines),
  axis: chart.dataset.axis,
  rule: svg('path', chart, { class: 'rule', visibility: 'hidden' }),
  text: svg('text', chart, { class: 'readout', 'text-anchor': 'end' }),
}))
const nearest = (places, at) => {
  let best = 0
  for (let i = 1; i < places.length; i++) if (Math.abs(places[i] - at) < Math.abs(places[best] - at)) best = i
  return best
}
const show = (at, shared) => {
  for (const { lines, axis, rule, text } of charts) {
    if (axis !== shared) continue
    const found = lines.map(({ x }) => nearest(x, at))
    const place = lines[0].x[found[0]]
    rule.setAttribute('d', 'M' + place + ' 22V174')
    rule.setAttribute('visibility', 'visible')
    const values = lines.map(({ label, value }, i) => (lines.length > 1 ? label + ' ' : '') + value[found[i]])
    values[0] = (lines.length > 1 ? '' : axis + ' ') + lines[0].step[found[0]] + ': ' + values[0]
    text.textContent = ''
    for (let i = 0; i < values.length; i += 3)
      svg('tspan', text, { x: 284, y: values.length > 3 ? 6 + 4 * i : 10 }).textContent = values.slice(i, i + 3).join(', ')
  }
}
const hide = () => {
  for (const { rule, text } of charts) {
    rule.setAttribute('visibility', 'hidden')
    text.textContent = ''
  }
}
for (const { chart, axis } of charts) {
  const move = (event) => {
    const box = chart.getBoundingClientRect()
    show(((event.clientX - box.left) * 360) / box.width, axis)
  }
  chart.addEventListener('pointermove', move)
  chart.addEventListener('pointerdown', move)
  chart.addEventListener('pointerleave', hide)
}
`
