// Small things both views share.

export const byId = id => document.getElementById(id);

const STATES = {idle: 'Not connected', connecting: 'Connecting', live: 'Connected', stopped: 'Stopped'};

/** Show the state, and words of what went wrong with a button that calls `again`. */
export function showState(state, words, again) {
  const chip = byId('status');
  chip.dataset.state = state;
  chip.textContent = STATES[state];
  const panel = byId('problem');
  panel.hidden = !words;
  if (!words) return;
  byId('problem-title').textContent = words.title;
  byId('problem-text').textContent = words.text;
  byId('problem-cure').textContent = words.cure;
  const button = byId('problem-retry');
  button.hidden = state === 'connecting'; // it tries by itself
  button.onclick = () => { panel.hidden = true; again(); };
}
