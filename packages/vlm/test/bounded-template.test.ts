/** Chat templates of a hostile checkpoint: each ends, as an error of the template. */
import { expect, test } from 'vitest'
import { parseChatTemplate } from '../src/prompt/chat-template'
import { coded } from './prompt-checkpoint'

const render = (source: string, content = 'Hi') =>
  parseChatTemplate(source).render({ messages: [{ role: 'user', content }] })

const loop = (name: string, body: string) => `{% for ${name} in range(100000) %}${body}{% endfor %}`

test.each([
  ['a range without end', '{{ range(1000000000)|length }}', /range\(\) of more than 100000 numbers/],
  ['one under another name', '{% set r = range %}{{ r(0, 1000000000)|length }}', /more than 100000/],
  ['one downwards', '{{ range(0, -1000000000, -1)|length }}', /more than 100000/],
  ['one of small steps', '{{ range(0, 1, 0.000001)|length }}', /more than 100000/],
  ['one of no steps', '{{ range(0, 1, 0)|length }}', /integers/],
  ['nested loops', loop('a', loop('b', loop('c', '{{ c }}'))), /more than \d+ steps/],
  ['nested loops of nothing', loop('a', loop('b', '')), /more than \d+ steps/],
  [
    'nested loops that select nothing',
    loop('a', '{% for b in range(100000) if false %}{% endfor %}'),
    /more than \d+ (steps|characters)/,
  ],
  [
    'a text that doubles',
    `{% set n = namespace(t='aaaaaaaa') %}{% for a in range(1000) %}{% set n.t = n.t ~ n.t %}{% endfor %}`,
    /a text of more than/,
  ],
  ['a long output', `{% for a in range(10000) %}${'x'.repeat(1000)}{% endfor %}`, /a text of more than/],
  [
    'long lists',
    `{% set r = range(100000) %}${loop('a', '{{ r|length }}')}`,
    /more than \d+ (steps|characters)/,
  ],
  [
    'a sum that is taken again and again',
    `{% set r = range(100000) %}${loop('a', '{{ (r|join("")|length) }}')}`,
    /more than \d+ (steps|characters)/,
  ],
  ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /./],
  ['a wide indentation', `{{ 'a\\nb'|indent(1000000000) }}`, /./],
  [
    'a replacement of everywhere by everything',
    `{% set n = namespace(t='a') %}{% for i in range(20) %}{% set n.t = n.t ~ n.t %}{% endfor %}{{ n.t.replace('', n.t)|length }}`,
    /./,
  ],
])('%s ends', (_, source, message) => {
  expect(() => render(source)).toThrow(coded('CHAT_TEMPLATE_FAILED', message))
})

test.each([
  ['a long one', `{{ 1 }}${'x'.repeat(2 ** 17)}`, /more than 131072 characters/],
  ['much white space', `{{ 1 }}${' '.repeat(100_000)}{{ 2 }}`, /white space in a row/],
  ['deep brackets', `{{ ${'('.repeat(30_000)} }}`, /./],
])('%s is no template', (_, source, message) => {
  expect(() => render(source)).toThrow(coded('CHAT_TEMPLATE_INVALID', message))
})

test('what templates have at hand is that of Jinja', () => {
  expect(
    render(
      '{{ range(3)|join(",") }} {{ range(1, 3)|join(",") }} {{ range(3, 0, -2)|join(",") }} {{ range(2, 1)|length }}',
    ),
  ).toBe('0,1,2 1,2 3,1 0')
  expect(
    render(
      '{% if true and True and not false and not False and none is none and None is none %}yes{% endif %}',
    ),
  ).toBe('yes')
  expect(render('{{ strftime_now("%Y-%m-%d %H:%M %% %Q") }}')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d % %Q$/)
  expect(() => render('{{ raise_exception("no") }}')).toThrow(coded('CHAT_TEMPLATE_FAILED', /got "no"/))
})

test('a whole context of text goes through', () => {
  const content = 'word '.repeat(200_000)
  expect(render('{% for m in messages %}{{ m.content|trim ~ "!" }}{% endfor %}', content)).toBe(
    `${content.trim()}!`,
  )
})
