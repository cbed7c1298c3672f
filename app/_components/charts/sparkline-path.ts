const MARGIN = 2

/** The SVG path of a sparkline: y from zero to the largest value, a gap for every null, a dot for a lone point. */
export function sparklinePath(values: (number | null)[], width: number, height: number): string {
  const max = Math.max(0, ...values.filter((value) => value !== null))
  const x = (index: number) => MARGIN + (index / Math.max(1, values.length - 1)) * (width - 2 * MARGIN)
  const y = (value: number) => height - MARGIN - (max === 0 ? 0 : (value / max) * (height - 2 * MARGIN))
  const parts: string[] = []
  for (const [index, value] of values.entries()) {
    if (value === null) continue
    const alone = values[index - 1] == null && values[index + 1] == null
    const point = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`
    parts.push(values[index - 1] == null ? `M${point}${alone ? 'h0.1' : ''}` : `L${point}`)
  }
  return parts.join('')
}
