'use client'

import { Modal } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { ReactNode } from 'react'
import classes from './dialog.module.css'

/**
 * What is asked in it may have been typed at length: a click beside it loses nothing.
 * @param size in pixels; on a phone it is the whole screen
 */
export function Dialog({
  opened,
  title,
  size,
  onClose,
  children,
}: {
  opened: boolean
  title: ReactNode
  size: number
  onClose: () => void
  children: ReactNode
}) {
  const narrow = useMediaQuery('(max-width: 639px)') ?? false
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size={size}
      fullScreen={narrow}
      padding={0}
      closeOnClickOutside={false}
      transitionProps={{ duration: 0 }}
      classNames={{
        header: classes.header,
        title: classes.title,
        body: classes.body,
        content: classes.content,
      }}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={{ header: { role: 'presentation' } }}
    >
      {children}
    </Modal>
  )
}
