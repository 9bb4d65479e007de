/** A plot as SVG: a panel for each quantity over the same time, with marks where something happened. No library. */

export interface Panel {
  readonly title: string
  readonly unit: string
  readonly values: readonly number[]
}

export interface Plot {
  readonly title: string
  /** Of each sample, in seconds. */
  readonly seconds: readonly number[]
  readonly panels: readonly Panel[]
  /** Vertical lines, in seconds. */
  readonly marks: readonly { readonly at: number; readonly kind: string }[]
}

const WIDTH = 900
const PANEL_HEIGHT = 150
const LEFT = 70
const RIGHT = 20
const TOP = 50
const GAP = 45
const COLORS = { close: '#8a8a8a', kill: '#c0392b', line: '#1f5f8b' }

export function toSvg({ title, seconds, panels, marks }: Plot): string {
  const height = TOP + panels.length * (PANEL_HEIGHT + GAP)
  const end = Math.max(1, seconds.at(-1) ?? 1)
  const x = (at: number): number => LEFT + (at / end) * (WIDTH - LEFT - RIGHT)
  const drawn = panels.map((panel, i) => drawPanel(panel, seconds, marks, x, TOP + i * (PANEL_HEIGHT + GAP)))
  const kinds = [...new Set(marks.map(({ kind }) => kind))]
  const legend = kinds.map(
    (kind, i) =>
      `<text x="${WIDTH - RIGHT - 90 * (kinds.length - i)}" y="24" fill="${colorOf(kind)}" font-size="12">| ${kind}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="24" font-size="15">${title}</text>`,
    ...legend,
    ...drawn,
    '</svg>',
    '',
  ].join('\n')
}

function drawPanel(
  { title, unit, values }: Panel,
  seconds: readonly number[],
  marks: Plot['marks'],
  x: (at: number) => number,
  top: number,
): string {
  const most = Math.max(...values) * 1.1 || 1
  const bottom = top + PANEL_HEIGHT
  const y = (value: number): number => bottom - (value / most) * PANEL_HEIGHT
  const points = values.map((value, i) => `${x(seconds[i]!).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  const ticks = [0, 0.5, 1].map(share => {
    const value = (most / 1.1) * share
    const label = value >= 10 ? Math.round(value) : Number(value.toPrecision(2))
    return (
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#e4e4e4"/>` +
      `<text x="${LEFT - 6}" y="${y(value) + 4}" font-size="11" text-anchor="end">${label}</text>`
    )
  })
  const lines = marks.map(
    ({ at, kind }) =>
      `<line x1="${x(at).toFixed(1)}" x2="${x(at).toFixed(1)}" y1="${top}" y2="${bottom}" stroke="${colorOf(kind)}" stroke-width="0.6"/>`,
  )
  const last = Math.round(seconds.at(-1) ?? 0)
  return [
    ...ticks,
    ...lines,
    `<polyline points="${points}" fill="none" stroke="${COLORS.line}" stroke-width="1.4"/>`,
    `<text x="${LEFT}" y="${top - 8}" font-size="12">${title}, ${unit}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${bottom + 14}" font-size="11" text-anchor="end">${last} s</text>`,
  ].join('\n')
}

function colorOf(kind: string): string {
  return kind in COLORS ? COLORS[kind as keyof typeof COLORS] : '#333333'
}
