// Lets the service be installed as an app, where the page says that it may be.

if (document.querySelector("link[rel=manifest]")) navigator.serviceWorker?.register("/sw.js").catch(() => {});
