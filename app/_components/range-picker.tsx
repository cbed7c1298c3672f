'use client'

import { Button, Popover, Stack, TextInput } from '@mantine/core'
import { IconCalendarTime } from '@tabler/icons-react'
import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { useState } from 'react'
import { DEFAULT_RANGE, RANGES, type RangeName } from '../../core/range.ts'
import bar from './bar-button.module.css'
import { useInBrowser } from './clock.tsx'
import classes from './range-picker.module.css'

const LABELS: Record<RangeName, string> = {
  '15m': '15 min',
  '1h': '1 h',
  '6h': '6 h',
  '24h': '24 h',
  '7d': '7 d',
}
/** Pages that show the time of what they are about, until another is chosen. */
const OWN_SPAN = /^\/mitigations\/\d+$/
const NAMES = Object.keys(RANGES) as RangeName[]

/** The page's time range, in the URL: `range=1h`, or `from` and `to`. */
export function RangePicker() {
  const router = useRouter()
  const pathname = usePathname()
  const params = useSearchParams()
  const custom = params.has('from') || params.has('to')
  const named = params.get('range')
  const hasOwnSpan = OWN_SPAN.test(pathname)
  const own = hasOwnSpan && !custom && named === null
  const current = custom ? 'custom' : named !== null && named in RANGES ? named : own ? 'own' : DEFAULT_RANGE

  const go = (range: Record<string, string>) => {
    const next = new URLSearchParams(params)
    for (const name of ['range', 'from', 'to', 'cursor']) next.delete(name)
    for (const [name, value] of Object.entries(range)) next.set(name, value)
    router.push(next.size === 0 ? pathname : `${pathname}?${next}`, { scroll: false })
  }
  return (
    <fieldset className={classes.range}>
      <legend className="visually-hidden">Time range</legend>
      {hasOwnSpan && (
        <button
          type="button"
          className={bar.button}
          aria-pressed={current === 'own'}
          title="From a little before it began to a little after it ended"
          onClick={() => go({})}
        >
          Its time
        </button>
      )}
      {NAMES.map((name) => (
        <button
          key={name}
          type="button"
          className={bar.button}
          aria-pressed={current === name}
          onClick={() => go({ range: name })}
        >
          {LABELS[name]}
        </button>
      ))}
      <CustomRange active={custom} from={params.get('from')} to={params.get('to')} onChoose={go} />
    </fieldset>
  )
}

function CustomRange({
  active,
  from,
  to,
  onChoose,
}: {
  active: boolean
  from: string | null
  to: string | null
  onChoose: (range: { from: string; to: string }) => void
}) {
  const [opened, setOpened] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const inBrowser = useInBrowser()
  const submit = (form: FormData) => {
    const [start, end] = [new Date(String(form.get('from'))), new Date(String(form.get('to')))]
    if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime()))
      return setProblem('Give both a start and an end.')
    if (start >= end) return setProblem('The start must be before the end.')
    setProblem(null)
    setOpened(false)
    onChoose({ from: start.toISOString(), to: end.toISOString() })
  }
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      shadow="md"
      trapFocus
      returnFocus
      withinPortal
    >
      <Popover.Target>
        <button
          type="button"
          className={bar.button}
          aria-pressed={active}
          onClick={() => setOpened((was) => !was)}
        >
          <IconCalendarTime size={15} aria-hidden="true" />
          <span className="visually-hidden">Custom range</span>
          {active && inBrowser && <span className={classes.custom}>{`${short(from)} – ${short(to)}`}</span>}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <form action={submit}>
          <Stack gap="sm">
            <TextInput
              type="datetime-local"
              step={1}
              name="from"
              label="From (local time)"
              defaultValue={inputValue(from, -3_600_000)}
              error={problem}
            />
            <TextInput type="datetime-local" step={1} name="to" label="To" defaultValue={inputValue(to, 0)} />
            <Button type="submit" size="xs">
              Show this range
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}

function parse(text: string | null): Date | null {
  if (text === null) return null
  const date = new Date(/^\d+$/.test(text) ? Number(text) : text)
  return Number.isNaN(date.getTime()) ? null : date
}

/** What a datetime-local input takes: local time, no zone. */
function inputValue(text: string | null, fallbackOffsetMs: number): string {
  const date = parse(text) ?? new Date(Date.now() + fallbackOffsetMs)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

function short(text: string | null): string {
  const date = parse(text)
  if (date === null) return 'now'
  return date.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
}
