<?php
// What an editor does, from the command line: actions as JSON on standard input, their answers as JSON back.
define('WP_INSTALLING', getenv('DIGEST_TEST_INSTALLS') === '1');
define('DISABLE_WP_CRON', true);
$_SERVER['HTTP_HOST'] = getenv('DIGEST_TEST_HOST');
$_SERVER['REQUEST_METHOD'] = 'GET';
require getenv('DIGEST_TEST_SITE') . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/taxonomy.php';
if (!WP_INSTALLING) {
    wp_set_current_user(1); // who may write any markup
}

function terms_of(array $names, string $taxonomy): array {
    return array_map(function ($name) use ($taxonomy) {
        $found = get_term_by('name', $name, $taxonomy);
        return $found ? $found->term_id : wp_insert_term($name, $taxonomy)['term_id'];
    }, $names);
}

function written(array $values): array {
    $post = ['post_type' => 'post', 'post_author' => 1];
    foreach (['title', 'content', 'excerpt', 'status', 'password', 'name', 'date_gmt'] as $field) {
        if (isset($values[$field])) {
            $post['post_' . $field] = $values[$field];
        }
    }
    if (isset($values['date_gmt'])) {
        $post['post_date'] = get_date_from_gmt($values['date_gmt']);
        $post['edit_date'] = true;
    }
    if (isset($values['categories'])) {
        $post['post_category'] = terms_of($values['categories'], 'category');
    }
    if (isset($values['tags'])) {
        $post['tags_input'] = $values['tags'];
    }
    return wp_slash($post);
}

function done(array $action) {
    switch ($action['do']) {
        case 'install':
            wp_install($action['title'], 'desk', 'desk@example.org', true, '', 'not-secret');
            update_option('permalink_structure', '/%postname%/');
            update_option('timezone_string', $action['zone']);
            wp_delete_post(1, true);
            switch_theme('plain');
            wp_update_user(['ID' => 1, 'display_name' => $action['author']]);
            return true;
        case 'write':
            $id = wp_insert_post(written($action), true);
            if (is_wp_error($id)) {
                throw new Exception($id->get_error_message());
            }
            if (!empty($action['sticky'])) {
                stick_post($id);
            }
            return $id;
        case 'edit':
            return wp_update_post(['ID' => $action['id']] + written($action));
        case 'trash':
            return wp_trash_post($action['id'])->ID;
        case 'delete':
            return wp_delete_post($action['id'], true)->ID;
        case 'option':
            return update_option($action['name'], $action['value']);
    }
    throw new Exception('no such action: ' . $action['do']);
}

$actions = json_decode(file_get_contents('php://stdin'), true, 32, JSON_THROW_ON_ERROR);
echo json_encode(array_map('done', $actions), JSON_THROW_ON_ERROR);
