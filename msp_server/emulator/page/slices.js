// Long work in slices, between which the page answers to keys and taps.

const SLICE_MS = 8;

// Takes all steps of an iterator; gives false where `isWanted` said no before the end.
export async function inSlices(steps, isWanted = () => true) {
  let began = performance.now();
  for (const step of steps) {
    void step; // what a step gives is of no use: it has done its work
    if (performance.now() - began < SLICE_MS) continue;
    await breathe();
    if (!isWanted()) return false;
    began = performance.now();
  }
  return true;
}

// Lets the browser draw and listen.
export function breathe() {
  return new Promise((resolve) => setTimeout(resolve));
}

// Gives a function that calls `act` once, before the next picture, however often it is called.
export function oncePerPicture(act) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      act();
    });
  };
}
