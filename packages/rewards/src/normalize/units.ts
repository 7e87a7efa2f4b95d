/** Units and currencies that answers carry, each with the spellings that mean it. */

const unitSpellings: Record<string, string> = {
  // length, area, volume
  mm: 'mm millimeter millimeters millimetre millimetres',
  cm: 'cm centimeter centimeters centimetre centimetres',
  m: 'm meter meters metre metres',
  km: 'km kilometer kilometers kilometre kilometres kms',
  in: 'in inch inches',
  ft: 'ft foot feet',
  yd: 'yd yard yards',
  mi: 'mi mile miles',
  'mm^2': 'mm^2 mm2',
  'cm^2': 'cm^2 cm2',
  'in^2': 'in^2 in2',
  'ft^2': 'ft^2 ft2 sqft',
  'mi^2': 'mi^2 mi2',
  'm^2': 'm^2 m2 sqm',
  'km^2': 'km^2 km2',
  'cm^3': 'cm^3 cm3 cc',
  'm^3': 'm^3 m3',
  ml: 'ml milliliter milliliters millilitre millilitres',
  l: 'l liter liters litre litres',
  // mass
  mg: 'mg milligram milligrams',
  g: 'g gram grams',
  kg: 'kg kilogram kilograms kilo kilos kgs',
  t: 't ton tons tonne tonnes',
  lb: 'lb lbs',
  oz: 'oz ounce ounces',
  // time
  ms: 'ms millisecond milliseconds',
  s: 's sec secs second seconds',
  min: 'min mins minute minutes',
  h: 'h hr hrs hour hours',
  day: 'day days',
  week: 'week weeks',
  month: 'month months',
  year: 'year years yr yrs',
  // speed, temperature, angle
  'km/h': 'km/h kmh kph kmph km/hr km/hour',
  'm/s': 'm/s mps',
  mph: 'mph mi/h',
  '°C': '°c celsius',
  '°F': '°f fahrenheit',
  K: 'k kelvin',
  '°': '° degree degrees deg',
  rad: 'rad radian radians',
  // electricity, energy, frequency, data
  v: 'v volt volts',
  a: 'amp amps ampere amperes',
  w: 'w watt watts',
  kw: 'kw kilowatt kilowatts',
  kwh: 'kwh',
  j: 'j joule joules',
  n: 'n newton newtons',
  hz: 'hz hertz',
  kb: 'kb',
  mb: 'mb megabyte megabytes',
  gb: 'gb gigabyte gigabytes',
  tb: 'tb terabyte terabytes',
}

const currencySpellings: Record<string, string> = {
  $: '$ us$ usd dollar dollars',
  '€': '€ eur euro euros',
  '£': '£ gbp pound pounds',
  '¥': '¥ jpy cny yen yuan rmb',
  '₹': '₹ inr rupee rupees',
}

const units = bySpelling(unitSpellings)
const currencies = bySpelling(currencySpellings)

/** The one name of a unit, from any of its spellings in lower case. */
export function unitOf(text: string): string | undefined {
  const short = (word: string): string => units.get(word) ?? word
  return units.get(
    text
      .replace(/^degrees? (?=celsius|fahrenheit)/, '')
      .replace(/^(?:square|sq) (\w+)$/, (_match, unit: string) => `${short(unit)}^2`)
      .replace(/^cubic (\w+)$/, (_match, unit: string) => `${short(unit)}^3`)
      .replace(/^(\w+) per (\w+)$/, (_match, unit: string, time: string) => `${short(unit)}/${short(time)}`),
  )
}

/** The symbol of a currency, from any of its spellings in lower case. */
export function currencyOf(text: string): string | undefined {
  return currencies.get(text)
}

function bySpelling(table: Record<string, string>): Map<string, string> {
  return new Map(
    Object.entries(table).flatMap(([name, spellings]) => [
      [name, name] as const,
      ...spellings.split(' ').map((spelling) => [spelling, name] as const),
    ]),
  )
}
