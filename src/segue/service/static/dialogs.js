/** What all windows of the page have: a button that closes them, and a click beside them does. */

import { icon } from "./icons.js";

export function prepareDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    const close = dialog.querySelector(".closes");
    icon("close", close);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
}
