/** Plots as SVG, drawn by Vega without a browser. */

import { importInstalled } from '../import-installed.js'
import type { Recording } from '../method/recording.js'
import { Figures } from './figures.js'

interface VegaLite {
  compile(specification: object): { spec: object }
}
interface Vega {
  parse(specification: object): object
  View: new (runtime: object, options: { renderer: 'none' }) => { toSVG(): Promise<string> }
}

export interface Plot {
  readonly file: string
  readonly alternative: string
  readonly specification: object
}

interface Dot {
  readonly candidate: string
  readonly x: number | string
  readonly y: number
}

/** Bright enough for a black page and dark enough for a white one. Ours first. */
const COLOURS = [
  ...['#e5484d', '#8b949e', '#bf8700', '#e58fb1', '#3b82f6', '#60a5fa', '#1f9e89'],
  ...['#a371f7', '#f0883e', '#57ab5a', '#8ddb8c', '#39c5cf', '#c297ff', '#d4a72c', '#ad7a5b'],
]
const INK = '#57606a'
const INK_ON_DARK = '#b1bac4'
const GRID = '#afb8c1'
const GRID_ON_DARK = '#424a53'

const CONFIG = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  axis: {
    labelColor: INK,
    titleColor: INK,
    tickColor: GRID,
    domainColor: GRID,
    gridColor: GRID,
    gridOpacity: 0.5,
  },
  legend: { labelColor: INK, titleColor: INK, symbolStrokeWidth: 3, labelLimit: 220 },
  view: { stroke: 'transparent' },
}

export function plotsOf(recording: Recording): Plot[] {
  return [
    ...latencyPlot(recording),
    ...linePlot(recording, {
      measure: 'concurrency',
      figure: 'perSecond',
      file: 'throughput.svg',
      alternative: 'Durable messages a second against callers at once',
      x: 'callers at once',
      y: 'durable messages a second',
      scale: 1,
    }),
    ...linePlot(recording, {
      measure: 'backlog',
      figure: 'p50Us',
      file: 'backlog.svg',
      alternative: 'Time of a round trip against messages that wait',
      x: 'messages that wait',
      y: 'round trip, p50, ms',
      scale: 1e-3,
    }),
    ...linePlot(recording, {
      measure: 'open',
      figure: 'openMs',
      file: 'open.svg',
      alternative: 'Time to open after a crash against messages that wait',
      x: 'messages that wait',
      y: 'until open, ms',
      scale: 1,
    }),
  ]
}

const PERCENTILES = [
  ['p50', 'p50Us'],
  ['p90', 'p90Us'],
  ['p99', 'p99Us'],
  ['p99.9', 'p999Us'],
  ['max', 'maxUs'],
] as const

function latencyPlot(recording: Recording): Plot[] {
  const recorded = recording.measures.find(({ name }) => name === 'sequential')
  if (recorded === undefined) return []
  const figures = new Figures(recorded)
  const dots = namesOf(recording).flatMap(candidate =>
    PERCENTILES.flatMap(([x, figure]): Dot[] => {
      const us = figures.median(candidate, '', figure)
      return us === undefined ? [] : [{ candidate, x, y: us / 1e3 }]
    }),
  )
  const x = { field: 'x', type: 'ordinal', title: 'percentile', sort: null, axis: { labelAngle: 0 } }
  return plot(
    'latency.svg',
    'Percentiles of the time until a message is durable',
    dots,
    x,
    'until durable, ms',
  )
}

interface Line {
  readonly measure: string
  readonly figure: string
  readonly file: string
  readonly alternative: string
  readonly x: string
  readonly y: string
  readonly scale: number
}

function linePlot(recording: Recording, line: Line): Plot[] {
  const recorded = recording.measures.find(({ name }) => name === line.measure)
  if (recorded === undefined) return []
  const figures = new Figures(recorded)
  const points = new Set(recorded.cells.map(({ point }) => point))
  const dots = namesOf(recording).flatMap(candidate =>
    [...points].flatMap((point): Dot[] => {
      const y = figures.median(candidate, point, line.figure)
      return y === undefined ? [] : [{ candidate, x: Number(point.replaceAll(',', '')), y: y * line.scale }]
    }),
  )
  const values = [...new Set(dots.map(({ x }) => x))]
  const x = {
    field: 'x',
    type: 'quantitative',
    title: line.x,
    scale: { type: 'log', nice: false },
    axis: { values, format: ',d', grid: false },
  }
  return plot(line.file, line.alternative, dots, x, line.y)
}

function plot(file: string, alternative: string, dots: readonly Dot[], x: object, y: string): Plot[] {
  if (dots.length === 0) return []
  const candidates = [...new Set(dots.map(({ candidate }) => candidate))]
  const isOurs = "datum.candidate === 'waq'"
  const isFloor = "datum.candidate === 'floor'"
  const specification = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 560,
    height: 340,
    padding: 8,
    config: CONFIG,
    data: { values: dots },
    mark: { type: 'line', point: { filled: true, size: 40 }, interpolate: 'linear' },
    encoding: {
      x,
      y: {
        field: 'y',
        type: 'quantitative',
        title: y,
        scale: { type: 'log' },
        axis: { format: ',~r', values: decades(dots.map(dot => dot.y)) },
      },
      color: {
        field: 'candidate',
        type: 'nominal',
        title: null,
        sort: candidates,
        scale: { domain: candidates, range: COLOURS },
      },
      strokeWidth: { condition: { test: isOurs, value: 4 }, value: 1.75 },
      strokeDash: { condition: { test: isFloor, value: [5, 4] }, value: [1, 0] },
    },
  }
  return [{ file, alternative, specification }]
}

/** Powers of ten around the values, and their thirds: a grid that can be read. */
function decades(values: readonly number[]): number[] {
  const from = Math.floor(Math.log10(Math.min(...values)))
  const to = Math.ceil(Math.log10(Math.max(...values)))
  return Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at)).flatMap(ten => [ten, 3 * ten])
}

function namesOf({ candidates }: Recording): string[] {
  const names = candidates.filter(({ skipped }) => skipped === undefined).map(({ name }) => name)
  // Ours first: it has the first colour, whoever else takes part.
  return [...names.filter(name => name === 'waq'), ...names.filter(name => name !== 'waq')]
}

/** Rejects with `Unavailable` where the packages of `bench/` are not installed. */
export async function draw({ specification, alternative }: Plot): Promise<string> {
  const { compile } = await importInstalled<VegaLite>('vega-lite')
  const { parse, View } = await importInstalled<Vega>('vega')
  const svg = await new View(parse(compile(specification).spec), { renderer: 'none' }).toSVG()
  return withStyle(svg, alternative)
}

/** Vega writes colours as attributes, which a style sheet overrides where the reader's page is dark. */
function withStyle(svg: string, alternative: string): string {
  const dark = [`[fill="${INK}"]{fill:${INK_ON_DARK}}`, `[stroke="${GRID}"]{stroke:${GRID_ON_DARK}}`].join('')
  const style = `<title>${alternative}</title><style>@media (prefers-color-scheme:dark){${dark}}</style>`
  return `${svg.replace(/<svg[^>]*>/, opening => opening + style)}\n`
}
