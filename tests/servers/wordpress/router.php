<?php
// As a web server does: files as they are, all else to WordPress.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path !== '/' && is_file($_SERVER['DOCUMENT_ROOT'] . $path)) {
    return false;
}
// As a page cache does: what it has kept, whatever became of it.
$kept = $_SERVER['DOCUMENT_ROOT'] . '/kept/' . trim($path, '/') . '.html';
if (is_file($kept)) {
    header('Content-Type: text/html; charset=UTF-8');
    readfile($kept);
    return true;
}
$_SERVER['SCRIPT_NAME'] = '/index.php';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
