import { shardColor } from '../_lib/palette.ts'
import classes from './shard-name.module.css'

/** A shard by its name, with the colour it has everywhere. */
export function ShardName({ ordinal, label }: { ordinal: number; label?: string }) {
  return (
    <span className={classes.name}>
      <span className={classes.swatch} style={{ background: shardColor(ordinal) }} aria-hidden="true" />
      {label ?? `Shard ${ordinal}`}
    </span>
  )
}
