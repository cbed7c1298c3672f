import Link from 'next/link'
import classes from './key-name.module.css'

const SHOWN_CHARACTERS = 120

/** A key in the fixed-width face, cut in the middle where it is long; `href` makes it a link to its page. */
export function KeyName({ text, href }: { text: string; href?: string }) {
  const shown =
    text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, 80)}…${text.slice(-(SHOWN_CHARACTERS - 81))}`
  const label = <code className={classes.key}>{shown === '' ? '(empty name)' : shown}</code>
  if (href === undefined) return label
  return (
    <Link href={href} title={shown === text ? undefined : text.slice(0, 1000)} prefetch={false}>
      {label}
    </Link>
  )
}
