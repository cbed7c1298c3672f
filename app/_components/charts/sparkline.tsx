import { sparklinePath } from './sparkline-path.ts'

/**
 * A line without axes, from zero; null is a gap. Give `label` where no figure stands beside it.
 * @param color any CSS colour; a shard's from shardColor
 */
export function Sparkline({
  values,
  color = 'var(--cs-calm)',
  width = 96,
  height = 24,
  label,
}: {
  values: (number | null)[]
  color?: string
  width?: number
  height?: number
  label?: string
}) {
  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      style={{ display: 'block' }}
      aria-hidden={label === undefined}
      role="img"
    >
      <title>{label ?? 'Over time'}</title>
      <path
        d={sparklinePath(values, width, height)}
        fill="none"
        stroke={color}
        strokeWidth="1.5"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  )
}
