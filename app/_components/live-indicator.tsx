'use client'

import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import bar from './bar-button.module.css'
import { type LiveState, useLive } from './live.tsx'
import classes from './live-indicator.module.css'

const TEXT: Record<LiveState, [word: string, title: string]> = {
  connecting: ['Connecting', 'Connecting to the live stream'],
  live: ['Live', 'Updates as soon as a collector has measured'],
  polling: ['Polling', 'The live stream is away; asking every 5 seconds'],
  lost: ['No server', 'The dashboard does not answer; trying every 5 seconds'],
  paused: ['Paused', 'Updates are paused'],
}

export function LiveIndicator() {
  const { state, paused, toggle } = useLive()
  const [word, title] = TEXT[state]
  const Icon = paused ? IconPlayerPlay : IconPlayerPause
  return (
    <button
      type="button"
      className={`${bar.button} ${classes.live}`}
      data-state={state}
      title={`${title}. Press p to ${paused ? 'resume' : 'pause'}.`}
      aria-label={`${word}. ${paused ? 'Resume' : 'Pause'} live updates`}
      onClick={toggle}
    >
      <span className={classes.dot} aria-hidden="true" />
      <span className={classes.word}>{word}</span>
      <Icon size={13} aria-hidden="true" />
    </button>
  )
}
