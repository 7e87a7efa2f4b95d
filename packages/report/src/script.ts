/** The one script of the page: values of all charts at the iteration under the pointer. */
export const script = `
const svg = (name, parent, attributes) => {
  const element = document.createElementNS(parent.namespaceURI, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return parent.appendChild(element)
}
const charts = [...document.querySelectorAll('svg.chart')].map((chart) => ({
  chart,
  lines: JSON.parse(chart.dataset.lines),
  rule: svg('path', chart, { class: 'rule', visibility: 'hidden' }),
  text: svg('text', chart, { class: 'readout', x: 284, y: 10, 'text-anchor': 'end' }),
}))
const nearest = (places, at) => {
  let best = 0
  for (let i = 1; i < places.length; i++) if (Math.abs(places[i] - at) < Math.abs(places[best] - at)) best = i
  return best
}
const show = (at) => {
  for (const { lines, rule, text } of charts) {
    const found = lines.map(({ x }) => nearest(x, at))
    const place = lines[0].x[found[0]]
    rule.setAttribute('d', 'M' + place + ' 22V174')
    rule.setAttribute('visibility', 'visible')
    const values = lines.map(({ label, value }, i) => (lines.length > 1 ? label + ' ' : '') + value[found[i]])
    text.textContent = (lines.length > 1 ? '' : 'iteration ') + lines[0].step[found[0]] + ': ' + values.join(', ')
  }
}
const hide = () => {
  for (const { rule, text } of charts) {
    rule.setAttribute('visibility', 'hidden')
    text.textContent = ''
  }
}
for (const { chart } of charts) {
  const move = (event) => {
    const box = chart.getBoundingClientRect()
    show(((event.clientX - box.left) * 360) / box.width)
  }
  chart.addEventListener('pointermove', move)
  chart.addEventListener('pointerdown', move)
  chart.addEventListener('pointerleave', hide)
}
`
